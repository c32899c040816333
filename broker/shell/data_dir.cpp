#include "broker/shell/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <regex>

#include "broker/base/exit_code.h"
#include "broker/checkpoint/checkpoint.h"
#include "broker/support/log.h"

namespace tandemq::broker {

namespace {

// What this program makes and renames or removes when it is done, and nothing that an operator may
// keep here.
const std::regex kHalfMade(
    R"(snapshot-\d+\.db(-journal|-wal|-shm)?|snapshot\.tmp|(meta\.json|durable)\.tmp|)"
    R"(checkpoint\.db\.remade(-journal|-wal|-shm)?|.*\.frames\.tmp)");

}  // namespace

DataDir::~DataDir() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

Status DataDir::open(const std::string& path) {
  const auto refused = [&](const std::string& why) {
    return Error{"cannot use the data folder " + path + ": " + why +
                     "; set node.data_dir to a folder that the broker's user may write to",
                 kExitEnvironment};
  };
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) {
    using std::filesystem::perms;
    std::filesystem::permissions(path, perms::owner_all | perms::group_read | perms::group_exec,
                                 error);
  }
  if (error) return refused(error.message());
  lock_fd_ = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_fd_ < 0) return refused(std::strerror(errno));
  path_ = path;
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return Error{"the data folder " + path +
                     " is in use by another broker; stop it or set another node.data_dir",
                 kExitEnvironment};
  }
  return Done{};
}

void DataDir::remove_leftovers() const {
  namespace fs = std::filesystem;
  for (const char* folder : {"", "/quarantine"}) {
    std::error_code error;
    for (const fs::directory_entry& one : fs::directory_iterator(path_ + folder, error)) {
      const std::string name = one.path().filename();
      const bool half = std::regex_match(name, kHalfMade);
      std::error_code ignored;
      if (!half || !one.is_regular_file(ignored)) continue;
      log(LogLevel::notice, "leftover_removed",
          {{"file", one.path().string()}, {"bytes", one.file_size(ignored)}});
      fs::remove(one.path(), ignored);
    }
  }
}

}  // namespace tandemq::broker
