// Moved; kept until every includer has followed.
#pragma once

#include "broker/support/config_reader.h"
