#include "broker/config/read_listeners.h"

#include <algorithm>

namespace tandemq::broker {
namespace {

constexpr std::size_t kListenersMax = 64;

void read_access(ConfigReader& in, AccessSection& access) {
  in.flag("allow_anonymous", access.allow_anonymous);
  in.text("password_file", access.password_file);
  in.text("acl_file", access.acl_file);
}

void check_port(ConfigReader& in, const ListenerSection& one, std::vector<TakenPort>& taken) {
  const Endpoint own{one.address, one.port};
  for (const TakenPort& other : taken) {
    if (!overlap(own, other.endpoint)) continue;
    in.complain("port", "is " + std::to_string(one.port) + " on " + one.address + ", which " +
                            other.key + " has already; give one of them another port");
  }
  taken.push_back({"listener " + one.name, own});
}

void check_name(ConfigReader& in, const ListenerSection& one,
                const std::vector<ListenerSection>& before) {
  const bool known = std::any_of(before.begin(), before.end(), [&](const ListenerSection& other) {
    return other.name == one.name;
  });
  if (!known) return;
  in.complain("name", "is \"" + one.name + "\" a second time; give each [[listener]] its own name");
}

}  // namespace

std::vector<ListenerSection> read_listeners(ConfigReader& in, std::vector<TakenPort> taken) {
  AccessSection common;
  in.section("auth");
  read_access(in, common);
  std::vector<ListenerSection> listeners;
  const std::size_t count = std::max<std::size_t>(1, in.repetitions("listener"));
  for (std::size_t i = 0; i < std::min(count, kListenersMax); ++i) {
    ListenerSection one;
    one.access = common;
    in.section("listener", i);
    in.word("name", one.name, 32);
    in.text("address", one.address);
    in.number("port", one.port, 1);
    in.number("connections_max", one.connections_max, 1, 1'000'000);
    read_access(in, one.access);
    check_name(in, one, listeners);
    check_port(in, one, taken);
    listeners.push_back(std::move(one));
  }
  if (count > kListenersMax) {
    in.section("listener", kListenersMax);
    in.complain("name", "is one too many: 64 listeners at most");
  }
  return listeners;
}

}  // namespace tandemq::broker
