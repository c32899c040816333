// What one life of the agent leaves to the next.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "failover/shell/memory_file.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

Remembered some() {
  Remembered r;
  r.memory.owes_lose_sync = r.memory.maybe_solo = r.memory.broker_known = true;
  r.memory.owe_outlived = true;
  r.memory.owe_reign = make_epoch(4, 2);
  r.memory.peer_reign = make_epoch(6, 2);
  r.memory.broker.role = Role::primary;
  r.memory.broker.epoch = make_epoch(5, 1);
  r.memory.broker.last_lsn = 77;
  r.memory.broker.was_in_sync = r.memory.broker.was_solo = true;
  r.broker = {4711, 99};
  return r;
}

}  // namespace

TEST_CASE("the memory of one life is the next one's") {
  const test::TempDir folder;
  const std::string path = folder / "memory.json";
  MemoryFile(path).keep(some());
  const Remembered read = MemoryFile(path).read();
  CHECK(read.memory.same_as(some().memory));
  CHECK(read.memory.broker.last_lsn == 77);
  CHECK(read.broker == some().broker);
}

TEST_CASE("without a file, or with a damaged one, nothing is remembered") {
  const test::TempDir folder;
  const std::string path = folder / "memory.json";
  CHECK_FALSE(MemoryFile(path).read().memory.broker_known);
  for (const char* text : {"", "{", "[]", "{\"pid\": \"x\"}", "\xff\xfe"}) {
    std::ofstream(path) << text;
    CHECK_FALSE(MemoryFile(path).read().memory.broker_known);
    CHECK(access(path.c_str(), F_OK) != 0);
  }
}

TEST_CASE("the file is written when what lasts has changed, not with every record") {
  const test::TempDir folder;
  const std::string path = folder / "memory.json";
  MemoryFile file(path);
  Remembered now = some();
  file.keep(now);
  unlink(path.c_str());
  now.memory.broker.last_lsn = 78;
  file.keep(now);
  CHECK(access(path.c_str(), F_OK) != 0);
  now.broker.pid = 4712;
  file.keep(now);
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("a memory that cannot be written leaves no old one behind, and is tried again") {
  const test::TempDir folder;
  const std::string path = folder / "memory.json";
  MemoryFile file(path);
  file.keep(some());
  REQUIRE(mkdir((path + ".new").c_str(), 0700) == 0);  // in the way of the new one
  Remembered now = some();
  now.memory.maybe_solo = false;
  file.keep(now);
  CHECK(access(path.c_str(), F_OK) != 0);
  rmdir((path + ".new").c_str());
  file.keep(now);
  CHECK_FALSE(MemoryFile(path).read().memory.maybe_solo);
}
