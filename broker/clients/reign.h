// What the clients' side has of the present reign.
#pragma once

#include "broker/core/engine.h"

namespace tandemq::broker {

struct Reign {
  core::Engine* engine = nullptr;  // takes the commands; null: this node does not lead
  Lsn committed = 0;               // effects up to it may go
};

}  // namespace tandemq::broker
