#include "failover/ctl/passwd_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "broker/access/password_file.h"
#include "broker/support/text_file.h"
#include "failover/ctl/private_file.h"

namespace tandemq::failover {
namespace {

constexpr std::size_t kNameMax = 65535;  // what CONNECT can carry
constexpr mode_t kFreshMode = 0600;

Status check_name(const std::string& user) {
  const bool controls =
      std::any_of(user.begin(), user.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (user.empty() || user.size() > kNameMax || user.front() == '#' || controls ||
      user.find(':') != user.npos) {
    return Error{"'" + user +
                     "' cannot be a user of a password file: it must not be empty, begin with #, "
                     "or have colons or control characters",
                 1};
  }
  return Done{};
}

// An open file, locked, that stands under its name; or that there is none.
class LockedFile {
 public:
  explicit LockedFile(const std::string& path) {
    while (true) {
      fd_ = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      if (fd_ < 0 || ::fstat(fd_, &is_) != 0 || !S_ISREG(is_.st_mode)) break;
      struct stat named {};
      if (::flock(fd_, LOCK_EX) != 0 || ::lstat(path.c_str(), &named) != 0 ||
          named.st_ino == is_.st_ino)
        break;
      ::close(fd_);  // somebody has replaced it meanwhile
    }
    error_ = errno;
  }
  ~LockedFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  bool is_there() const { return fd_ >= 0; }
  bool is_regular() const { return S_ISREG(is_.st_mode); }
  const struct stat& is() const { return is_; }
  int error() const { return error_; }

  Result<std::string> text() const {
    std::string out(static_cast<std::size_t>(is_.st_size), '\0');
    const ssize_t n = ::pread(fd_, out.data(), out.size(), 0);
    if (n == is_.st_size) return out;
    return Error{"the file cannot be read", 1};
  }

 private:
  int fd_ = -1, error_ = 0;
  struct stat is_ {};
};

Result<std::string> text_of(const std::string& path, const LockedFile& file) {
  if (!file.is_there() && file.error() == ENOENT) return std::string();
  if (!file.is_there() && file.error() == ELOOP)
    return Error{path + " is a symbolic link; name the file that it leads to", 1};
  if (!file.is_there()) return Error{path + " cannot be read: " + std::strerror(file.error()), 1};
  if (!file.is_regular()) return Error{path + " is no file", 1};
  Result<std::string> text = file.text();
  if (!text) return text;
  const auto sound = broker::PasswordFile::parse(*text, path);
  if (!sound) return Error{sound.error().message + "; nothing was done", 1};
  return text;
}

}  // namespace

Result<std::string> with_entry(std::string_view text, const std::string& user,
                               const std::string& entry) {
  const Status sound = check_name(user);
  if (!sound) return sound.error();
  const std::string own = entry.empty() ? "" : user + ":" + entry + "\n";
  const std::string_view whole = text;
  text = without_byte_order_mark(text);
  std::string out(whole.substr(0, whole.size() - text.size()));
  bool found = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(line.size());
    const bool is_own = line.starts_with(user + ":");
    if (!is_own) out.append(line);
    if (is_own && !found) out.append(own);
    found = found || is_own;
  }
  if (found) return out;
  if (entry.empty()) return Error{"there is no user '" + user + "' in it; nothing was done", 1};
  if (!out.empty() && out.back() != '\n') out += '\n';
  return out + own;
}

Status change_passwd_file(const std::string& path, const std::string& user,
                          const std::string& entry) {
  const LockedFile file(path);
  const Result<std::string> text = text_of(path, file);
  if (!text) return text.error();
  const Result<std::string> changed = with_entry(*text, user, entry);
  if (!changed) return changed.error();
  if (!file.is_there()) return write_whole(path, *changed, kFreshMode);
  const struct stat& was = file.is();
  return write_whole(path, *changed, was.st_mode & 07777, FileOwner{was.st_uid, was.st_gid});
}

}  // namespace tandemq::failover
