// The log never makes its caller wait, whoever reads it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "broker/support/log.h"
#include "broker/support/log_writer.h"

namespace tandemq {
namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() { ::close(ends[0]); }
  std::string read_some() {
    char bytes[65536];
    const ssize_t n = ::read(ends[0], bytes, sizeof bytes);
    return std::string(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  int ends[2];
};

// Lives as long as its thread: until the process ends.
LogWriter& writer_to(int fd) {
  auto* writer =
      new LogWriter([](std::uint64_t lines) { return "lost=" + std::to_string(lines) + "\n"; });
  writer->write_to(std::make_shared<LogFile>(fd));
  return *writer;
}

}  // namespace

TEST_CASE("a pipe that nobody reads: no call waits, what did not fit is counted and told") {
  Pipe pipe;
  LogWriter& writer = writer_to(pipe.ends[1]);
  const std::string line(1000, 'x');
  constexpr int kLines = 5000;  // 5 MB: more than a pipe and the queue hold
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kLines; ++i) writer.put(line + "\n");
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  CHECK_FALSE(writer.drain(50));

  // Told as often as there was room again.
  int came = 0, lost = 0;
  for (std::string rest; came + lost < kLines;) {
    rest += pipe.read_some();
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.erase(0, end + 1)) {
      if (rest.starts_with("lost=")) {
        lost += std::stoi(rest.substr(5));
      } else {
        ++came;
        CHECK(rest.compare(0, end, line) == 0);
      }
    }
  }
  CHECK(came + lost == kLines);
  CHECK(lost > 0);
  CHECK(writer.drain(2000));
}

TEST_CASE("lines come out whole and in order; one without end is cut") {
  Pipe pipe;
  LogWriter& writer = writer_to(pipe.ends[1]);
  writer.put("first\n");
  writer.put(std::string(100'000, 'y') + "\n");
  writer.put("last\n");
  REQUIRE(writer.drain(2000));
  std::string all = pipe.read_some();
  CHECK(all.starts_with("first\n"));
  CHECK(all.ends_with("y\nlast\n"));
  CHECK(all.size() == 6 + LogWriter::kLineMax + 5);
}

TEST_CASE("a value that a client chose is cut, its size is told") {
  const std::string line =
      format_line(LogLevel::info, "client_refused", {{"client", std::string(65'000, 'c')}});
  CHECK(line.size() < 700);
  CHECK(line.find("client_bytes=65000") != line.npos);
  const std::string umlauts = format_line(LogLevel::info, "e", {{"k", "x" + [] {
                                                                   std::string many;
                                                                   for (int i = 0; i < 400; ++i)
                                                                     many += "\xc3\xa4";
                                                                   return many;
                                                                 }()}});
  CHECK(umlauts.find("\xc3 ") == umlauts.npos);  // no half character before the next field
}

}  // namespace tandemq
