#include "broker/support/config_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "broker/support/text_file.h"

namespace tandemq {

Result<std::string> read_config_file(const std::string& path) {
  Result<std::string> text = read_text_file(path);
  if (text) return text;
  return Error{path + ": cannot be read: " + text.error().message +
                   "; name the configuration file with -c FILE",
               text.error().code};
}

struct ConfigReader::Impl {
  std::string path;
  std::string syntax_error;  // then nothing else is said: keys seem missing that are not
  std::string complaints;
  toml::table table;
  std::string section;
  const toml::table* keys = nullptr;  // of it; null: the file does not have it
  std::set<std::string, std::less<>> repeatable;
  std::map<std::string, std::vector<std::string>, std::less<>> known;  // section → keys asked for

  void add(toml::source_index line, const std::string& what) {
    const std::string place = line == 0 ? path : path + ":" + std::to_string(line);
    complaints += place + ": " + what + "\n";
  }
  std::string name(std::string_view key) const { return section + "." + std::string(key); }
  const toml::node* find(std::string_view key) {
    std::vector<std::string>& asked = known[section];
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
    return keys ? keys->get(key) : nullptr;
  }
  void check_section(const std::string& name, const toml::node& node);
  void check_keys(const std::string& name, const toml::table& given);
};

ConfigReader::ConfigReader(std::string_view text, std::string path)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  try {
    impl_->table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    impl_->add(error.source().begin.line,
               "not valid TOML: " + std::string(error.description()) + "; correct this line");
    impl_->syntax_error = impl_->complaints;
  }
}

ConfigReader::~ConfigReader() = default;

void ConfigReader::section(std::string_view name, std::size_t index) {
  impl_->section = name;
  impl_->known[impl_->section];
  const toml::node* node = impl_->table.get(name);
  const toml::array* list = node ? node->as_array() : nullptr;
  if (list && impl_->repeatable.contains(name)) node = list->get(index);
  impl_->keys = node ? node->as_table() : nullptr;
}

std::size_t ConfigReader::repetitions(std::string_view name) {
  impl_->repeatable.emplace(name);
  const toml::node* node = impl_->table.get(name);
  if (!node) return 0;
  const toml::array* list = node->as_array();
  return list ? list->size() : 1;
}

void ConfigReader::text(std::string_view key, std::string& value) {
  const toml::node* node = impl_->find(key);
  if (!node) return;
  if (const auto* string = node->as_string()) {
    value = string->get();
  } else {
    complain(key, "must be a text in quotes");
  }
}

void ConfigReader::word(std::string_view key, std::string& value, std::size_t length_max) {
  text(key, value);
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || (c != '\0' && std::strchr("._-/@:", c));
  });
  if (value.empty() || value.size() > length_max || !plain) {
    complain(key, "must be 1 to " + std::to_string(length_max) +
                      " letters, digits or any of . _ - / @ :");
  }
}

void ConfigReader::path(std::string_view key, std::string& value) {
  text(key, value);
  if (value.empty()) complain(key, "must not be empty; leave the key out for the default");
}

void ConfigReader::texts(std::string_view key, std::vector<std::string>& values) {
  const toml::node* node = impl_->find(key);
  if (!node) return;
  values.clear();
  if (const auto* one = node->as_string()) return values.push_back(one->get());
  const toml::array* list = node->as_array();
  if (!list) return complain(key, "must be a list of texts: [\"...\"]");
  for (const toml::node& item : *list) {
    const auto* string = item.as_string();
    if (!string) return complain(key, "must hold texts in quotes only");
    values.push_back(string->get());
  }
}

void ConfigReader::decimal(std::string_view key, double& value, double least, double most) {
  const toml::node* node = impl_->find(key);
  if (!node) return;
  const auto given = node->value<double>();
  char range[64];
  std::snprintf(range, sizeof range, "a number from %g to %g", least, most);
  if (!given || !(*given >= least && *given <= most)) {
    return complain(key, std::string("must be ") + range);
  }
  value = *given;
}

void ConfigReader::choice(std::string_view key, std::string& value,
                          std::initializer_list<std::string_view> allowed) {
  text(key, value);
  std::string list;
  for (const std::string_view option : allowed) {
    if (value == option) return;
    list += (list.empty() ? "\"" : ", \"") + std::string(option) + "\"";
  }
  complain(key, "must be one of " + list);
}

void ConfigReader::flag(std::string_view key, bool& value) {
  const toml::node* node = impl_->find(key);
  if (!node) return;
  if (const auto* boolean = node->as_boolean()) {
    value = boolean->get();
  } else {
    complain(key, "must be true or false");
  }
}

void ConfigReader::flag(std::string_view key, std::optional<bool>& value) {
  const bool given = impl_->find(key) != nullptr;
  bool plain = value.value_or(false);
  flag(key, plain);
  if (given) value = plain;
}

void ConfigReader::number_u64(std::string_view key, std::uint64_t& value, std::uint64_t least,
                              std::uint64_t most) {
  const toml::node* node = impl_->find(key);
  if (!node) return;
  const auto* integer = node->as_integer();
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  if (!integer) {
    complain(key, "must be a whole number from " + range);
  } else if (integer->get() < 0 || static_cast<std::uint64_t>(integer->get()) < least ||
             static_cast<std::uint64_t>(integer->get()) > most) {
    complain(key, "is " + std::to_string(integer->get()) + " but must be from " + range);
  } else {
    value = static_cast<std::uint64_t>(integer->get());
  }
}

void ConfigReader::complain(std::string_view key, const std::string& what) {
  toml::source_index line = 0;
  if (impl_->keys) {
    const toml::node* node = impl_->keys->get(key);
    line = node ? node->source().begin.line : impl_->keys->source().begin.line;
  }
  impl_->add(line, impl_->name(key) + " " + what);
}

void ConfigReader::Impl::check_section(const std::string& name, const toml::node& node) {
  if (const toml::table* one = node.as_table()) return check_keys(name, *one);
  const toml::array* list = repeatable.contains(name) ? node.as_array() : nullptr;
  const bool tables = list && std::all_of(list->begin(), list->end(),
                                          [](const toml::node& item) { return item.is_table(); });
  if (tables && !list->empty()) {
    for (const toml::node& item : *list) check_keys(name, *item.as_table());
    return;
  }
  add(node.source().begin.line,
      "'" + name + "' must be a section: write " + (list ? "[[" + name + "]]" : "[" + name + "]"));
}

void ConfigReader::Impl::check_keys(const std::string& name, const toml::table& given) {
  const std::vector<std::string>& asked = known[name];
  for (const auto& [key, value] : given) {
    if (std::find(asked.begin(), asked.end(), key.str()) != asked.end()) continue;
    std::string list;
    for (const std::string& k : asked) list += (list.empty() ? " " : ", ") + k;
    add(key.source().begin.line, "unknown key '" + name + "." + std::string(key.str()) +
                                     "'; remove it, [" + name + "] knows" + list);
  }
}

std::string ConfigReader::finish() {
  if (!impl_->syntax_error.empty()) return impl_->syntax_error;
  for (const auto& [key, node] : impl_->table) {
    const std::string name(key.str());
    if (impl_->known.contains(name)) {
      impl_->check_section(name, node);
      continue;
    }
    std::string list;
    for (const auto& [known, keys] : impl_->known) list += " [" + known + "]";
    impl_->add(key.source().begin.line,
               "unknown section or key '" + name + "'; remove it, known sections are" + list);
  }
  return impl_->complaints;
}

}  // namespace tandemq
