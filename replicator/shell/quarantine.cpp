#include "replicator/shell/quarantine.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "broker/base/exit_code.h"
#include "replicator/shell/meta_file.h"

namespace tandemq::repl {
namespace {

// The frames at the front of `frames` up to record `last`.
std::string_view up_to(std::string_view frames, Lsn last) {
  std::size_t end = 0;
  FrameView frame;
  while (read_frame(frames.substr(end), frame) == FrameRead::frame && frame.lsn <= last) {
    end += frame.bytes.size();
  }
  return frames.substr(0, end);
}

}  // namespace

Result<std::string> quarantine(Journal& journal, const std::string& folder, Lsn first, Lsn last) {
  if (::mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST) {
    return Error{"cannot create " + folder + ": " + std::strerror(errno), kExitEnvironment};
  }
  std::string frames;
  const Result<Lsn> read = journal.read(first, std::numeric_limits<std::size_t>::max(), frames);
  if (!read) return read.error();
  const std::string path = folder + "/" + std::to_string(journal.epoch_at(first)) + "-" +
                           std::to_string(first) + "-" + std::to_string(last) + ".frames";
  const Status written = write_file_durably(path, up_to(frames, last));
  if (!written) return written.error();
  return path;
}

}  // namespace tandemq::repl
