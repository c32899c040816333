// Moved; kept until every includer has followed.
#pragma once

#include "broker/support/service_notify.h"
