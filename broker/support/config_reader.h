// Reads one TOML file key by key and gathers everything that is wrong with it: unknown sections
// and keys, wrong types, values out of range. Each complaint names file, line, key and remedy.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace tandemq {

// The text of a configuration file. The error has code 2.
Result<std::string> read_config_file(const std::string& path);

class ConfigReader {
 public:
  ConfigReader(std::string_view text, std::string path);
  ~ConfigReader();

  // Keys read from now on belong to this section: [name], or the `index`th [[name]] of a section
  // that may be repeated (`repetitions` was asked first).
  void section(std::string_view name, std::size_t index = 0);
  // How many [[name]] there are; [name] counts as one.
  std::size_t repetitions(std::string_view name);

  void text(std::string_view key, std::string& value);
  // A name or path that lands in other files too: no quotes, blanks, braces or control characters.
  void word(std::string_view key, std::string& value, std::size_t length_max);
  // A path that must be there.
  void path(std::string_view key, std::string& value);
  // A list of texts in brackets; of one, the text alone will do.
  void texts(std::string_view key, std::vector<std::string>& values);
  void decimal(std::string_view key, double& value, double least, double most);
  void choice(std::string_view key, std::string& value,
              std::initializer_list<std::string_view> allowed);
  void flag(std::string_view key, bool& value);
  // Stays as it is when the file does not say.
  void flag(std::string_view key, std::optional<bool>& value);
  template <std::unsigned_integral T>
  void number(std::string_view key, T& value, std::uint64_t least = 0,
              std::uint64_t most = std::numeric_limits<T>::max()) {
    std::uint64_t wide = value;
    number_u64(key, wide, least, most);
    value = static_cast<T>(wide);
  }

  // Complains about the last value read under this key, with its line where the file has it.
  void complain(std::string_view key, const std::string& what);

  // Call after the last key: complains about those that nobody asked for. Returns all complaints,
  // one a line, empty when there are none. Where the file is no TOML, that is the only one.
  std::string finish();

 private:
  struct Impl;
  void number_u64(std::string_view key, std::uint64_t& value, std::uint64_t least,
                  std::uint64_t most);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq
