// The files of Access: read together, compared with the other node's, looked through for what may
// not be meant.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "broker/access/access.h"
#include "broker/base/crc32c.h"
#include "broker/support/file_mode.h"

namespace tandemq::broker {
namespace {

// Each file is read once, whichever doors it is named for.
template <class File>
class Loader {
 public:
  // Null for no name. After an error the rest is skipped.
  std::shared_ptr<const File> load(const std::string& path) {
    if (path.empty() || error_) return nullptr;
    std::shared_ptr<const File>& known = files_[path];
    if (known) return known;
    Result<File> file = File::load(path);
    if (file) return known = std::make_shared<const File>(std::move(file).value());
    error_ = file.error();
    return nullptr;
  }
  Status status() const { return error_ ? Status(*error_) : Status(Done{}); }

 private:
  std::map<std::string, std::shared_ptr<const File>> files_;
  std::optional<Error> error_;
};

// Whatever the order of the parts.
std::string checksum_of(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::uint32_t sum = 0;
  for (const std::string& part : parts) sum = crc32c(part, sum);
  return std::to_string(sum);
}

std::vector<std::string> doubts_about(const HttpSection& http) {
  std::vector<std::string> out;
  if (!http.on()) return out;
  if (HttpLogins::is_in_clear(http.url))
    out.push_back("http_auth_url " + http.shown() +
                  " has the passwords go there in clear; use https://");
  std::string mode = doubt_about_mode("http_auth_header_file", http.header_file, "the broker");
  if (!http.header_file.empty() && !mode.empty()) out.push_back(std::move(mode));
  return out;
}

}  // namespace

Status Access::reload() {
  Loader<PasswordFile> passwords;
  Loader<Acl> acls;
  Loader<KeySet> keys;
  std::vector<Rules> fresh = doors_;
  for (Rules& door : fresh) {
    door.before = std::exchange(door.passwords, passwords.load(door.files.password_file));
    door.acl = acls.load(door.files.acl_file);
    door.keys = keys.load(door.files.tokens.keys_file);
  }
  Status loaded = passwords.status();
  if (loaded) loaded = acls.status();
  if (loaded) loaded = keys.status();
  if (loaded) loaded = reload_headers();
  if (!loaded) {
    for (Rules& door : doors_) door.before = door.passwords;  // its changes have been reviewed
    gone_.clear();
    return loaded;
  }
  doors_ = std::move(fresh);
  gone_.clear();
  ++revision_;
  return Done{};
}

// The last of what may go wrong: what follows it holds.
Status Access::reload_headers() {
  std::map<std::string, std::string> headers;  // by their files
  for (const Rules& door : doors_) {
    Result<std::string> header = HttpLogins::read_header(door.files.http);
    if (!header) return header.error();
    headers[door.files.http.header_file] = std::move(header).value();
  }
  for (const auto& server : servers_) server->use_header(headers[server->section().header_file]);
  return Done{};
}

std::map<std::string, std::string> Access::checksums() const {
  std::vector<std::string> rules, users, keys;
  for (const Rules& door : doors_) {
    const std::string name = door.listener + ":";
    if (door.acl) rules.push_back(name + std::to_string(door.acl->checksum()));
    if (door.passwords) users.push_back(name + std::to_string(door.passwords->checksum()));
    if (door.keys) keys.push_back(name + std::to_string(door.keys->checksum()));
  }
  return {{"acl_file", checksum_of(std::move(rules))},
          {"jwt_jwks_file", checksum_of(std::move(keys))},
          {"password_file", checksum_of(std::move(users))}};
}

std::vector<std::string> Access::doubts() const {
  std::set<std::string> all;
  for (const Rules& door : doors_) {
    if (door.acl) all.insert(door.acl->doubts().begin(), door.acl->doubts().end());
    for (const std::string& doubt : doubts_about(door.files.http)) all.insert(doubt);
    if (!door.keys) continue;
    all.insert(door.keys->doubts().begin(), door.keys->doubts().end());
    const std::string& file = door.files.tokens.keys_file;
    const std::string mode = doubt_about_mode("jwt_jwks_file", file, "the broker");
    if (door.keys->has_secrets() && !mode.empty()) all.insert(mode);
  }
  return {all.begin(), all.end()};
}

}  // namespace tandemq::broker
