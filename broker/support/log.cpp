#include "broker/support/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "broker/base/exit_code.h"
#include "broker/support/log_limit.h"

namespace tandemq {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "notice", "warning",
                                                         "error"};
LogLevel threshold = LogLevel::info;

// spdlog has no `notice`; levels are filtered and written here, the library brings the line out.
std::shared_ptr<spdlog::logger>& output() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("tandemqd", std::move(sink));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "time=%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
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
  static LogLimit limit;
  const std::lock_guard lock(mutex);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto second =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  limit.tell(second, [](const std::string& of, std::uint64_t lines) {
    output()->log(spdlog::level::info, "{}",
                  format_line(LogLevel::warning, "lines_left_out",
                              {{"of", of},
                               {"lines", lines},
                               {"reason", "more than " + std::to_string(LogLimit::kLinesPerSecond) +
                                              " lines of this event in a second"}}));
  });
  return limit.take(event, second);
}

}  // namespace

Status log_open(std::string_view level, const std::string& target) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == level) threshold = static_cast<LogLevel>(i);
  }
  if (target == "stderr") {
    output() = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return Done{};
  }
  try {
    output() = make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(target));
  } catch (const spdlog::spdlog_ex&) {
    return Error{"cannot open the log file " + target + ": " + std::strerror(errno) +
                     "; create its folder and let the user of this process write to it",
                 kExitEnvironment};
  }
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
    append_value(line, field.value);
  }
  return line;
}

void log(LogLevel level, std::string_view event, std::initializer_list<Field> fields) {
  if (!log_enabled(level)) return;
  if (!output()) output() = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (level != LogLevel::error && !within_limit(event)) return;
  output()->log(spdlog::level::info, "{}", format_line(level, event, fields));
}

}  // namespace tandemq
