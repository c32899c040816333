// Moved; kept until every includer has followed.
#pragma once

#include "broker/support/log.h"
