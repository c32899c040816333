#include "failover/shell/track_file.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

// Should a notification be lost; the notifications are what reacts.
constexpr std::uint64_t kCheckMs = 500;

std::string content(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char buffer[64];
  const ssize_t size = fd ? ::read(fd.get(), buffer, sizeof(buffer)) : -1;
  if (size < 0) return errno == ENOENT ? "no file" : std::strerror(errno);
  std::string text(buffer, static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string text_of(Standing s) {
  return std::to_string(s.eligible ? TrackFile::kStep * static_cast<int>(s.claim)
                                   : TrackFile::kFaultValue);
}

}  // namespace

Standing TrackFile::read(const std::string& path) {
  const std::string found = content(path);
  for (unsigned claim = 0; claim <= kClaimMax; ++claim) {
    if (found == text_of({true, claim})) return {true, claim};
  }
  return {};
}

TrackFile::TrackFile(event_base* base, std::string path, Standing standing,
                     std::function<void(const std::string&)> tampered)
    : path_(std::move(path)),
      standing_(standing),
      tampered_(std::move(tampered)),
      timer_(base, [this] { check(); }) {}

Result<std::unique_ptr<TrackFile>> TrackFile::open(
    event_base* base, const std::string& path, Standing standing,
    std::function<void(const std::string&)> tampered) {
  std::unique_ptr<TrackFile> file(new TrackFile(base, path, standing, std::move(tampered)));
  Status written = file->write();
  if (!written) return written.error();
  file->inotify_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  const std::string folder = path.substr(0, path.rfind('/'));
  const int watched =
      file->inotify_ ? inotify_add_watch(file->inotify_.get(), folder.c_str(),
                                         IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM)
                     : -1;
  if (watched >= 0) {
    TrackFile* raw = file.get();
    file->readable_ =
        std::make_unique<Readable>(base, file->inotify_.get(), [raw] { raw->drain(); });
  }
  file->timer_.every(kCheckMs);
  return file;
}

void TrackFile::set(Standing standing) {
  standing_ = standing;
  touch();
}

void TrackFile::touch() {
  if (Status written = write(); !written) {
    log(LogLevel::error, "track_file", {{"reason", written.error().message}});
  }
}

Status TrackFile::write() {
  const std::string temporary = path_ + ".new";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  const std::string text = text_of(standing_) + "\n";
  const auto size = static_cast<ssize_t>(text.size());
  if (!fd || ::write(fd.get(), text.data(), text.size()) != size ||
      rename(temporary.c_str(), path_.c_str()) != 0) {
    return Error{"cannot write the track file " + path_ + ": " + std::strerror(errno) +
                     "; node.run_dir must be a folder that the agent may write",
                 kExitEnvironment};
  }
  return Done{};
}

void TrackFile::drain() {
  alignas(inotify_event) char buffer[4096];
  while (::read(inotify_.get(), buffer, sizeof(buffer)) > 0) continue;
  check();
}

void TrackFile::check() {
  const std::string found = content(path_);
  if (found == text_of(standing_)) return;
  tampered_(found.substr(0, 32));
  touch();
}

}  // namespace tandemq::failover
