#include <doctest/doctest.h>

#include <cstdio>

#include "broker/base/bytes.h"
#include "replicator/journal/journal.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::TempDir;

namespace {

struct Ran {
  int code = 0;
  std::string output;
};

Ran run_tool(const std::string& arguments) {
  const std::string command = std::string(TANDEMQ_JOURNAL_PROGRAM) + " " + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  Ran ran;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    ran.output.append(buffer, got);
  }
  ran.code = ::pclose(pipe) >> 8;
  return ran;
}

void write_journal(const std::string& dir) {
  JournalConfig config;
  config.dir = dir;
  config.segment_bytes = 4096;
  auto journal = Journal::open(config, nullptr);
  REQUIRE(journal);
  std::string body;
  const Epoch epoch = make_epoch(3, 2);
  put_le(body, epoch);
  put_le(body, TimeMs{1234});
  (*journal)->append(epoch, 1, body);
  body.clear();
  put_le(body, TimeMs{1300});
  put_string16(body, "peer is gone");
  (*journal)->append(epoch, 2, body);
  body.clear();
  put_le(body, std::uint32_t{7});
  put_le(body, std::uint16_t{42});
  for (int i = 0; i < 200; ++i) (*journal)->append(epoch, 24, body);
  (*journal)->append(epoch, 24, "no body");
}

bool has(const Ran& ran, const std::string& part) {
  const bool found = ran.output.find(part) != std::string::npos;
  if (!found) MESSAGE(ran.output);
  return found;
}

}  // namespace

TEST_CASE("tandemq-journal prints records and control records for a person") {
  TempDir dir;
  write_journal(dir.path());
  const Ran ran = run_tool(dir.path());
  CHECK(ran.code == 0);
  CHECK(has(ran, "1 3.2 reign_began epoch=3.2 time=1234\n"));
  CHECK(has(ran, "2 3.2 went_solo time=1300 reason=\"peer is gone\"\n"));
  CHECK(has(ran, "3 3.2 acked session=7 packet_id=42\n"));
  CHECK(has(ran, "203 3.2 kind_24 unreadable="));
  CHECK(has(ran, "records=203 first=1 last=203"));

  const Ran some = run_tool("--json --bodies --from 3 --to 3 " + dir.path());
  CHECK(has(some, "{\"lsn\":3,"));
  CHECK(has(some, "\"reign\":\"3.2\""));
  CHECK(has(some, "\"body\":\"070000002a00\""));
  CHECK_FALSE(some.output.find("\"lsn\":4") != std::string::npos);

  const Ran file = run_tool("--verify " + (dir / "00000000000000000001.seg"));
  CHECK(file.code == 0);
  CHECK(has(file, "first=1"));
}

TEST_CASE("tandemq-journal says where damage is, and ends with 4") {
  TempDir dir;
  write_journal(dir.path());
  const std::string path = dir / "00000000000000000001.seg";
  std::string bytes = test::slurp(path);
  bytes[500] = static_cast<char>(bytes[500] ^ 1);
  test::spill(path, bytes);
  const Ran ran = run_tool(dir.path());
  CHECK(ran.code == 4);
  CHECK(has(ran, "1 3.2 reign_began"));
  CHECK(has(ran, "is damaged at offset"));
  CHECK(has(ran, path));
  CHECK(run_tool("/nowhere/at/all").code == 3);
}
