#include <doctest/doctest.h>

#include <algorithm>

#include "broker/core/record_kinds.h"
#include "broker/shell/versions.h"

using namespace tandemq;
using namespace tandemq::broker;

TEST_CASE("this program reads every kind of its list, and all that the first release wrote") {
  const repl::Features known = known_features();
  const repl::KindTable table = repl::table_of(known);
  for (const core::KindFacts& one : core::kKinds) {
    CHECK(repl::version_in(table, static_cast<std::uint16_t>(one.kind)) == one.version);
  }
  CHECK(repl::covers(known, first_features()));
  CHECK(repl::to_text(first_features()) == "frame 1, snapshot 1, records 1-4 16-30");
}

TEST_CASE("settings that decide what is kept, and when the nodes part, are compared") {
  Config one;
  Config other;
  CHECK(repl::differences(shared_settings(one), shared_settings(other)).empty());
  other.replication.commit = repl::CommitRule::replicated_synced;
  other.replication.peer_silence_ms = 500;
  other.limits.queued_messages_max = 7;
  other.limits.retained_messages_max = 8;
  other.limits.session_expiry_s_max = 9;
  const auto found = repl::differences(shared_settings(one), shared_settings(other));
  const auto told = [&](const char* name) {
    return std::any_of(found.begin(), found.end(), [&](const auto& d) { return d.name == name; });
  };
  CHECK(found.size() == 5);
  for (const char* name :
       {"replication.commit", "replication.peer_silence_ms", "limits.queued_messages_max",
        "limits.retained_messages_max", "limits.session_expiry_s_max"}) {
    CHECK_MESSAGE(told(name), name);
  }
}
