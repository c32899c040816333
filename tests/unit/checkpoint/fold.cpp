// What the fold leaves in the file: net changes only, shared messages once.
#include <doctest/doctest.h>

#include "broker/checkpoint/sql.h"
#include "tests/unit/checkpoint/support.h"

namespace tandemq::broker::test {
namespace {

CheckpointRows rows_in(const CheckpointConfig& config) {
  core::State state;
  const auto info = checkpoint_load(config, state, {});
  REQUIRE_MESSAGE(static_cast<bool>(info), info.error().message);
  return info->rows;
}

struct Fixture {
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  MemoryJournal journal;
  std::unique_ptr<Folder> folder;
  Fixture() {
    REQUIRE(checkpoint_prepare(config));
    folder = std::make_unique<Folder>(config, journal);
  }
  void fold() {
    const auto folded = folder->fold(journal.last());
    REQUIRE_MESSAGE(static_cast<bool>(folded), folded.error().message);
    CHECK(*folded == journal.last());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is queued and acknowledged in the window is never written") {
  journal.append(opened(1, "reader"));
  fold();
  for (std::uint16_t id = 1; id <= 1000; ++id) {
    journal.append(published(message("a", "x"), {target(1, id)}));
    journal.append(core::Acked{1, id});
  }
  fold();
  CHECK(rows_in(config).messages == 0);
  CHECK(folder->checkpointer().figures().last_records == 2000);
  // Only the session's row, for its counters.
  CHECK(folder->checkpointer().figures().last_rows_written == 1);
}

TEST_CASE("memory that acknowledged messages took does not end a window") {
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  config.memory_bytes = 4000;
  REQUIRE(checkpoint_prepare(config));
  MemoryJournal journal;
  journal.append(opened(1, "reader"));
  for (std::uint16_t id = 1; id <= 1000; ++id) {
    journal.append(published(message("a", "x"), {target(1, id)}));
    journal.append(core::Acked{1, id});
  }
  Folder folder(config, journal);
  REQUIRE(folder.fold(journal.last()));
  CHECK(folder.checkpointer().figures().last_rows_written == 1);
}

TEST_CASE_FIXTURE(Fixture, "a message of many queues is stored once and goes with the last") {
  std::vector<core::Target> targets;
  for (core::SessionId id = 1; id <= 50; ++id) {
    journal.append(opened(id, "reader-" + std::to_string(id)));
    targets.push_back(target(id, 1));
  }
  journal.append(published(message("a", std::string(1000, 'x')), targets));
  fold();
  CHECK(rows_in(config).messages == 1);
  CHECK(rows_in(config).deliveries == 50);
  for (core::SessionId id = 1; id < 50; ++id) journal.append(core::Acked{id, 1});
  fold();
  CHECK(rows_in(config).messages == 1);
  CHECK(rows_in(config).deliveries == 1);
  journal.append(core::SessionRemoved{50});
  fold();
  CHECK(rows_in(config).messages == 0);
  CHECK(rows_in(config).deliveries == 0);
  CHECK(rows_in(config).sessions == 49);
}

TEST_CASE_FIXTURE(Fixture, "a retained message that queues hold too is one message") {
  journal.append(opened(1, "reader"));
  auto first = published(message("a", "old", 1, true), {target(1, 0)});
  first.retain = core::RetainAction::store;
  journal.append(first);
  fold();
  core::RetainedQueued queued{1, {{"a", target(1, 0)}}};
  journal.append(queued);
  auto second = published(message("a", "new", 1, true), {});
  second.retain = core::RetainAction::store;
  journal.append(second);
  fold();
  // The old one lives on in two deliveries, the new one is retained.
  CHECK(rows_in(config).messages == 2);
  CHECK(rows_in(config).retained == 1);
  CHECK(rows_in(config).deliveries == 2);
}

TEST_CASE_FIXTURE(Fixture, "a long queue goes out in the order of its sequence numbers") {
  journal.append(opened(1, "reader"));
  for (int i = 0; i < 2000; ++i) {
    journal.append(published(message("a", std::to_string(i)), {target(1, 0)}));
  }
  fold();
  core::State state;
  journal.replay(state, 1, journal.last());
  const Lsn queued = journal.last();
  for (std::uint16_t id = 1; id <= 1500; ++id) {
    journal.append(core::Sent{1, {id}});
    if (id > 20) journal.append(core::Acked{1, static_cast<std::uint16_t>(id - 20)});
    if (id % 300 == 0) fold();
  }
  fold();
  journal.replay(state, queued + 1, journal.last());
  CHECK(loaded(config)->hash() == state.hash());
  CHECK(rows_in(config).deliveries == 520);
}

TEST_CASE_FIXTURE(Fixture, "an identifier that is used again in the same window") {
  journal.append(opened(1, "reader"));
  journal.append(published(message("a", "1"), {target(1, 7)}));
  fold();
  journal.append(core::Acked{1, 7});
  journal.append(published(message("a", "2"), {target(1, 7)}));
  fold();
  core::State state;
  journal.replay(state, 1, journal.last());
  CHECK(loaded(config)->hash() == state.hash());
}

TEST_CASE_FIXTURE(Fixture, "records that do not fit are refused and the file stays as it was") {
  journal.append(opened(1, "reader"));
  fold();
  SUBCASE("unknown session") {
    journal.append(core::SessionRemoved{2});
  }
  SUBCASE("not in flight") {
    journal.append(core::Acked{1, 5});
  }
  SUBCASE("nothing queued") {
    journal.append(core::Sent{1, {5}});
  }
  SUBCASE("unknown kind") {
    journal.append_encoded(core::Kind{999}, "x");
  }
  SUBCASE("opened twice") {
    journal.append(opened(1, "reader"));
  }
  SUBCASE("nothing retained") {
    journal.append(core::RetainedExpired{"a"});
  }
  SUBCASE("sequence that is not there") {
    journal.append(core::Dropped{1, {3}});
  }
  const auto folded = folder->fold(journal.last());
  REQUIRE_FALSE(folded);
  CHECK(folded.error().message.find("record 2") != std::string::npos);
  CHECK(checkpoint_inspect(config.path)->meta.lsn == 1);
  CHECK(folder->checkpointer().figures().failures_total == 1);
}

TEST_CASE_FIXTURE(Fixture, "an acknowledgement that comes twice does not fit either") {
  journal.append(opened(1, "reader"));
  journal.append(published(message("a", "1"), {target(1, 7)}));
  fold();
  journal.append(core::Acked{1, 7});
  journal.append(core::Acked{1, 7});
  REQUIRE_FALSE(folder->fold(journal.last()));
  CHECK(rows_in(config).deliveries == 1);
}

TEST_CASE_FIXTURE(Fixture, "a file that was large once gives its space back") {
  journal.append(opened(1, "reader"));
  for (int i = 0; i < 5000; ++i) {
    journal.append(published(message("a", std::string(20'000, 'x')), {target(1, 0)}));
  }
  fold();
  const std::uint64_t full = folder->checkpointer().figures().bytes;
  CHECK(full > 100'000'000);
  journal.append(core::SessionRemoved{1});
  for (int i = 0; i < 10; ++i) {
    journal.append(opened(static_cast<core::SessionId>(2 + i), std::to_string(i)));
    fold();
  }
  CHECK(folder->checkpointer().figures().bytes < full / 4);
  CHECK(rows_in(config).sessions == 10);
}

TEST_CASE_FIXTURE(Fixture, "a journal that cannot be read is an error, and later it goes on") {
  journal.append(opened(1, "reader"));
  bool broken = true;
  Folder other(config, [&](Lsn from, std::size_t bytes_max, std::string& out) -> Result<Lsn> {
    if (broken) return Error{"record 1 is not held any more", 4};
    return journal.read(from, bytes_max, out);
  });
  const auto failed = other.fold(1);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.find("not held") != std::string::npos);
  broken = false;
  CHECK(other.fold(1));
}

TEST_CASE_FIXTURE(Fixture, "the older format stays until there is a user or role to keep") {
  const auto format = [&] {
    sql::Database db(config.path, sql::Mode::read);
    return db.number("PRAGMA user_version");
  };
  journal.append(opened(1, "reader"));
  fold();
  CHECK(format() == 1);
  const core::AccountFields anna{core::AccountKind::user, "anna", true, "$7$x", {"meters", "ops"}};
  const core::AccountFields meters{core::AccountKind::role, "meters", true, "", {}};
  journal.append(core::AccountSet{anna, true});
  journal.append(core::AccountSet{meters, true});
  fold();
  CHECK(format() == 2);
  CHECK(rows_in(config).accounts == 2);
  const auto state = loaded(config);
  const auto& found = state->accounts().users.at("anna");
  CHECK(found.enabled);
  CHECK(found.password == "$7$x");
  CHECK(found.lines == std::vector<std::string>{"meters", "ops"});
  journal.append(core::AccountSet{anna, false});
  journal.append(core::AccountSet{meters, false});
  fold();
  CHECK(rows_in(config).accounts == 0);
  CHECK(format() == 2);
  journal.append(opened(2, "other"));
  fold();
  core::State whole;
  journal.replay(whole, 1, journal.last());
  CHECK(loaded(config)->hash() == whole.hash());
}

TEST_CASE_FIXTURE(Fixture, "all fields survive") {
  core::SessionOpened session = opened(1, "reader");
  session.has_will = true;
  session.will.message = core::Message::create({"will", "gone", "\x01\x01", 2, true, 77});
  session.will.delay_s = 5;
  session.will.has_message_expiry = true;
  session.will.message_expiry_s = 0;
  journal.append(session);
  journal.append(core::Subscribed{1, {{"$share/g/#", 2, true, true, 2, 268435455}}});
  core::Target wide = target(1, 0, 2);
  wide.retain = true;
  wide.subscription_ids = {1, 268435455};
  journal.append(published(message("a", std::string("\0\1\xff", 3), 2), {wide}));
  core::Published inbound = published(message("b", ""), {});
  inbound.publisher = 1;
  inbound.inbound_id = 65535;
  journal.append(inbound);
  fold();
  core::State state;
  journal.replay(state, 1, journal.last());
  CHECK(rows_of(*loaded(config)) == rows_of(state));
  CHECK(loaded(config)->hash() == state.hash());
}

}  // namespace tandemq::broker::test
