#include "replicator/shell/quarantine.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"
#include "replicator/shell/durable_file.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;
constexpr std::size_t kBytesPerSync = 64u << 20;

// The frames at the front of `frames` up to record `last`.
std::string_view up_to(std::string_view frames, Lsn last) {
  std::size_t end = 0;
  FrameView frame;
  while (read_frame(frames.substr(end), frame) == FrameRead::frame && frame.lsn <= last) {
    end += frame.bytes.size();
  }
  return frames.substr(0, end);
}

Status copy(Journal& journal, Lsn first, Lsn last, DurableFile& file,
            const std::function<void()>& goes_on) {
  std::string frames;
  std::size_t unsynced = 0;
  for (Lsn next = first; next <= last;) {
    frames.clear();
    const Result<Lsn> read = journal.read(next, kPieceBytes, frames);
    if (!read) return read.error();
    if (*read < next) return Error{"the journal ends before record " + std::to_string(next)};
    next = *read + 1;
    Status done = file.append(up_to(frames, last));
    unsynced += frames.size();
    if (done && unsynced >= kBytesPerSync) {
      unsynced = 0;
      done = file.sync();
    }
    if (!done) return done;
    goes_on();
  }
  return Done{};
}

}  // namespace

Result<std::string> quarantine(Journal& journal, const std::string& folder, Lsn first, Lsn last,
                               const std::function<void()>& goes_on) {
  if (::mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST) {
    return Error{"cannot create " + folder + ": " + std::strerror(errno), kExitEnvironment};
  }
  const std::string path = folder + "/" + std::to_string(journal.epoch_at(first)) + "-" +
                           std::to_string(first) + "-" + std::to_string(last) + ".frames";
  DurableFile file(path);
  Status done = file.open();
  if (done) done = copy(journal, first, last, file, goes_on);
  if (done) done = file.finish();
  if (!done) return done.error();
  return path;
}

}  // namespace tandemq::repl
