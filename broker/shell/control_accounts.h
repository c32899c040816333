// Users and roles on the control socket (docs/control-protocol.md): what the JSON says.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"
#include "broker/core/accounts.h"

namespace tandemq::broker {

// Both throw as the JSON library does where an argument has the wrong type.
Result<core::AccountOrder> account_order_of(const nlohmann::json& request);
// `accounts`, by name: those behind `after`, as many as one answer should have; `more`: not all. Or
// the one called `name`, with all that it has.
Result<nlohmann::json> accounts_asked_for(const core::Accounts& all, const nlohmann::json& request);

}  // namespace tandemq::broker
