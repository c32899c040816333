#include "broker/support/log.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

#include "broker/base/exit_code.h"
#include "broker/support/log_limit.h"
#include "broker/support/log_writer.h"
#include "broker/support/service_notify.h"

namespace tandemq {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "notice", "warning",
                                                         "error"};
LogLevel threshold = LogLevel::info;
bool to_journal = false;

// How long a process that ends waits for its last lines.
constexpr unsigned kLastWordsMs = 500;

// syslog(3) has the same names with these numbers.
std::string_view priority_of(LogLevel level) {
  constexpr std::array<std::string_view, 5> kPriorities = {"<7>", "<6>", "<5>", "<4>", "<3>"};
  return to_journal ? kPriorities[static_cast<std::size_t>(level)] : "";
}

std::string timed(LogLevel level, const std::string& line) {
  timeval now{};
  gettimeofday(&now, nullptr);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "time=%Y-%m-%dT%H:%M:%S.", &utc);
  const std::string milliseconds = std::to_string(1000 + now.tv_usec / 1000).substr(1);
  std::string out(priority_of(level));
  return out.append(text, size) + milliseconds + "Z " + line + "\n";
}

// Never destroyed (log_writer.h).
LogWriter& output() {
  static LogWriter* const writer = [] {
    auto* made = new LogWriter([](std::uint64_t lines) {
      return timed(LogLevel::warning,
                   format_line(LogLevel::warning, "log_lines_lost",
                               {{"lines", lines}, {"reason", "nobody read the log in time"}}));
    });
    std::atexit([] { log_drain(kLastWordsMs); });
    return made;
  }();
  return *writer;
}

// A value is bounded: what a client sends may stand in it.
std::string_view bounded(std::string_view value) {
  constexpr std::size_t kValueMax = 512;
  if (value.size() <= kValueMax) return value;
  std::size_t end = kValueMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;  // UTF-8
  return value.substr(0, end);
}

void append_value(std::string& line, std::string_view value) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  const bool plain = !value.empty() && value.find_first_of(" \"=\\") == value.npos &&
                     std::none_of(value.begin(), value.end(), control);
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n' || c == '\r') {
      line += c == '\n' ? "\\n" : "\\r";
    } else if (control(c)) {  // a client's name must not steer the terminal of who reads the log
      constexpr char digits[] = "0123456789abcdef";
      line += {'\\', 'x', digits[c >> 4], digits[c & 15]};
    } else {
      line += c;
    }
  }
  line += '"';
}

bool within_limit(std::string_view event) {
  static std::mutex mutex;
  static LogLimit& limit = *new LogLimit;  // threads may log while the process ends
  const std::lock_guard lock(mutex);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto second =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  limit.tell(second, [](const std::string& of, std::uint64_t lines) {
    const std::string reason = "more than " + std::to_string(LogLimit::kLinesPerSecond) +
                               " lines of this event in a second";
    output().put(
        timed(LogLevel::warning, format_line(LogLevel::warning, "lines_left_out",
                                             {{"of", of}, {"lines", lines}, {"reason", reason}})));
  });
  return limit.take(event, second);
}

}  // namespace

Status log_open(std::string_view level, const std::string& target) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == level) threshold = static_cast<LogLevel>(i);
  }
  to_journal = target == "stderr" && stderr_is_journal();
  if (target == "stderr") {
    output().write_to(std::make_shared<LogFile>(STDERR_FILENO));
    return Done{};
  }
  const int fd = ::open(target.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) {
    return Error{"cannot open the log file " + target + ": " + std::strerror(errno) +
                     "; create its folder and let the user of this process write to it",
                 kExitEnvironment};
  }
  output().write_to(std::make_shared<LogFile>(fd));
  return Done{};
}

bool log_enabled(LogLevel level) {
  return level >= threshold;
}

std::string format_line(LogLevel level, std::string_view event,
                        std::initializer_list<Field> fields) {
  std::string line = "level=";
  line += kLevelNames[static_cast<std::size_t>(level)];
  line += " event=";
  line += event;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    const std::string_view value = bounded(field.value);
    append_value(line, value);
    if (value.size() < field.value.size()) {
      line += ' ';
      line += field.key;
      line += "_bytes=" + std::to_string(field.value.size());
    }
  }
  return line;
}

void log(LogLevel level, std::string_view event, std::initializer_list<Field> fields) {
  if (!log_enabled(level)) return;
  if (level != LogLevel::error && !within_limit(event)) return;
  output().put(timed(level, format_line(level, event, fields)));
}

bool log_drain(unsigned milliseconds) {
  return output().drain(milliseconds);
}

}  // namespace tandemq
