#include "tests/bench/report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tandemq::bench {
namespace {

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

std::string as_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, std::abs(value) >= 1000 ? "%.0f" : "%.3g", value);
  return text;
}
std::string as_text(std::uint64_t value) {
  return std::to_string(value);
}
std::string as_text(bool value) {
  return value ? "yes" : "no";
}
std::string as_text(const std::string& value) {
  return value;
}

}  // namespace

void Report::latency(const std::string& section, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1000; };
  number(section + "/p50", us(histogram.at(0.5)));
  number(section + "/p99", us(histogram.at(0.99)));
  number(section + "/max", us(histogram.max()));
}

std::string Report::json() const {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  for (const auto& [key, value] : rows_) {
    auto& place = root[nlohmann::ordered_json::json_pointer("/" + key)];
    std::visit(
        [&place](const auto& v) {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, double>) {
            place = rounded(v);
          } else {
            place = v;
          }
        },
        value);
  }
  return root.dump(2);
}

std::string Report::lines() const {
  std::string out;
  for (const auto& [key, value] : rows_) {
    std::string name = key;
    for (char& c : name) c = c == '/' || c == '_' ? ' ' : c;
    name.resize(std::max<std::size_t>(34, name.size() + 1), ' ');
    out += name + std::visit([](const auto& v) { return as_text(v); }, value) + '\n';
  }
  return out;
}

}  // namespace tandemq::bench
