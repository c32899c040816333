// Log lines: one `key=value` line per fact, as
//   time=2026-01-31T12:00:00.000Z level=info event=role_changed role=primary reason="told by agent"
// Not for the data path, but no call waits (log_writer.h). Below error, more than
// LogLimit::kLinesPerSecond lines of one event in a second are left out and counted; values are cut
// at 512 bytes, with their whole size behind them.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq {

enum class LogLevel : std::uint8_t { debug, info, notice, warning, error };

// One key=value of a line. Text with blanks or quotes is quoted when written.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <class T>
  requires((std::integral<T> || std::floating_point<T>)&&!std::same_as<T, bool>)
      Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)) {}

  std::string_view key;
  std::string value;
};

// Sets level ("debug", "info", "notice", "warning", "error") and target ("stderr" or a file, opened
// for appending; opened anew by each call, so that log rotation works).
Status log_open(std::string_view level, const std::string& target);

bool log_enabled(LogLevel level);
void log(LogLevel level, std::string_view event, std::initializer_list<Field> fields);

// Waits until all lines are out, at most so long; before an end that runs no exit handlers.
bool log_drain(unsigned milliseconds);

// The line without its time: `level=info event=... key=value`.
std::string format_line(LogLevel level, std::string_view event,
                        std::initializer_list<Field> fields);

}  // namespace tandemq
