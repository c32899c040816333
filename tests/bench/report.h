// Results in the order in which they were added, as text for people or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/bench/histogram.h"

namespace tandemq::bench {

class Report {
 public:
  // `key` may have a section: "ack_us/p99". Units come last in the name.
  void text(std::string key, std::string value) { add(std::move(key), std::move(value)); }
  void count(std::string key, std::uint64_t value) { add(std::move(key), value); }
  void number(std::string key, double value) { add(std::move(key), value); }
  void flag(std::string key, bool value) { add(std::move(key), value); }
  // p50, p99 and max in microseconds; nothing if empty.
  void latency(const std::string& section, const Histogram& histogram);

  std::string json() const;
  std::string lines() const;

 private:
  using Value = std::variant<std::string, std::uint64_t, double, bool>;
  void add(std::string key, Value value) { rows_.emplace_back(std::move(key), std::move(value)); }

  std::vector<std::pair<std::string, Value>> rows_;
};

}  // namespace tandemq::bench
