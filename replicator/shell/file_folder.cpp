#include "replicator/shell/file_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/base/exit_code.h"
#include "replicator/shell/meta_file.h"
#include "replicator/shell/quarantine.h"
#include "replicator/shell/snapshot_files.h"

namespace tandemq::repl {

Status FileFolder::prepare() {
  if (::mkdir(dir_.c_str(), 0750) == 0 || errno == EEXIST) return Done{};
  return Error{"cannot create " + dir_ + ": " + std::strerror(errno), kExitEnvironment};
}

Result<Meta> FileFolder::load_meta() {
  return repl::load_meta(dir_ + "/meta.json");
}

Status FileFolder::save_meta(const Meta& meta) {
  return repl::save_meta(dir_ + "/meta.json", meta);
}

Result<std::unique_ptr<Journal>> FileFolder::open_journal() {
  JournalConfig journal;
  journal.dir = dir_ + "/journal";
  journal.segment_bytes = segment_bytes_;
  return Journal::open(journal, base_);
}

Result<std::string> FileFolder::set_journal_aside() {
  const std::string from = dir_ + "/journal";
  std::string to;
  struct stat about {};
  for (int i = 1; to.empty() || ::stat(to.c_str(), &about) == 0; ++i) {
    to = dir_ + "/journal.damaged-" + std::to_string(i);
  }
  if (::rename(from.c_str(), to.c_str()) == 0) return to;
  return Error{"cannot move " + from + " aside: " + std::strerror(errno), kExitEnvironment};
}

Result<std::string> FileFolder::quarantine(Journal& journal, Lsn first, Lsn last,
                                           const std::function<void()>& goes_on) {
  return repl::quarantine(journal, dir_ + "/quarantine", first, last, goes_on);
}

Result<std::unique_ptr<SnapshotReader>> FileFolder::read_snapshot(const std::string& path) {
  return open_snapshot(path);
}

Result<std::unique_ptr<SnapshotWriter>> FileFolder::write_snapshot(std::uint64_t bytes) {
  return create_snapshot(dir_ + "/snapshot.tmp", bytes);
}

}  // namespace tandemq::repl
