// A client that dies at some moment and never comes back: its will has to be published, by whoever
// serves then. And its heir, which gets it.
#pragma once

#include "tests/sim/client.h"

namespace tandemq::sim {

class Mortal final : public Client {
 public:
  Mortal(Place& place, std::uint64_t id, const std::string& name, const FindNode& find);
  void dies_at(TimeUs when) { dies_at_ = when; }
  TimeUs died_at() const { return died_at_; }  // 0: it lives
  // Each may have been away for longer than its keep-alive, when its broker fell.
  std::uint64_t connections() const { return connections_; }

 private:
  void die();
  void on_connected(bool session_present) override;
  void on_reply(const Reply&) override {}
  bool waits() const override { return false; }
  bool comes_back() const override { return died_at_ == 0; }

  TimeUs dies_at_ = 0;
  TimeUs died_at_ = 0;
  std::uint64_t connections_ = 0;
};

class Heir final : public Client {
 public:
  Heir(Place& place, std::uint64_t id, const std::string& name, const FindNode& find);
  TimeUs subscribed_at() const { return subscribed_at_; }  // 0: it is not
  bool has_will_of(const std::string& client) const { return wills_.contains(client); }

 private:
  void on_connected(bool session_present) override;
  void on_reply(const Reply& reply) override;
  bool waits() const override { return subscribed_at_ == 0; }

  TimeUs subscribed_at_ = 0;
  std::set<std::string> wills_;  // payloads: who they are of
};

}  // namespace tandemq::sim
