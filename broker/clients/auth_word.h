// What we say in an exchange of AUTH packets (MQTT 5.0 section 4.12): in AUTH, and of the last word
// in CONNACK.
#pragma once

#include <string>

namespace tandemq::broker {

struct AuthWord {
  std::string method;  // as the CONNECT named it
  std::string data;
};

}  // namespace tandemq::broker
