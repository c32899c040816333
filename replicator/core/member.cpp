#include "replicator/core/member.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tandemq::repl {

Member::Member(ReplicaConfig config_)
    : config(std::move(config_)), readable(table_of(config.known)) {
  TMQ_CHECK(covers(config.known, config.baseline) && config.baseline.frame != 0);
}

msg::Hello Member::hello() const {
  msg::Hello hello;
  hello.software = config.software;
  hello.pair_id = meta.pair_id;
  hello.node_index = config.node_index;
  hello.node_name = config.node_name;
  hello.epoch_seen = meta.epoch_seen;
  hello.role = meta.role;
  hello.in_sync = in_sync();
  hello.was_in_sync = meta.in_sync && !meta.needs_snapshot;
  hello.solo = !meta.peer_in_sync;
  hello.needs_snapshot = meta.needs_snapshot;
  hello.by_sync = by_sync();
  hello.first = first;
  hello.last = last;
  hello.history = meta.history;
  hello.messages = kMessagesKnown;
  hello.known = config.known;
  hello.settings = config.settings;
  return hello;
}

void Member::send(Message message) {
  if (linked) act(action::Send{std::move(message)});
}

void Member::persist() {
  if (meta == durable) return;
  durable = meta;
  act(action::PersistMeta{meta});
}

void Member::say(std::string sentence) {
  reason = std::move(sentence);
  said = true;
}

void Member::agree_on(Features features) {
  meta.agreed = std::move(features);
  writes = table_of(meta.agreed);
}

Lsn Member::append_control(ControlKind kind, std::string why) {
  TMQ_CHECK(primary());
  if (first == 0) first = last + 1;
  ++last;
  act(action::AppendControl{kind, epoch, last, std::move(why)});
  return last;
}

void Member::request_sync() {
  if (written <= synced) return;
  sync_asked_ms = now_ms;
  act(action::RequestSync{});
}

double share_of_way(Lsn begin, Lsn at, Lsn end) {
  if (at < begin || end <= begin) return 0.0;
  return std::min(1.0, static_cast<double>(at - begin) / static_cast<double>(end - begin));
}

}  // namespace tandemq::repl
