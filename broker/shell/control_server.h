// Moved; kept until every includer has followed.
#pragma once

#include "broker/support/control_server.h"
