// Clock and disk.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "failover/ctl/gather.h"
#include "failover/doctor/findings.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {
namespace {

constexpr long kNfs = 0x6969;  // NFS_SUPER_MAGIC

std::string kind_of(long magic) {
  switch (magic) {
    case TMPFS_MAGIC:
      return "tmpfs";
    case kNfs:
      return "nfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    default:
      return "";
  }
}

// In milliseconds, of a file that never gets a name. Median, as one write may meet another's.
std::optional<double> time_sync(const std::string& folder) {
  const Fd fd(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!fd) return std::nullopt;
  std::array<double, 9> took{};
  const std::array<char, 4096> block{};
  for (double& one : took) {
    const auto begun = std::chrono::steady_clock::now();
    if (write(fd.get(), block.data(), block.size()) < 0 || fdatasync(fd.get()) != 0)
      return std::nullopt;
    one =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  }
  std::sort(took.begin(), took.end());
  return took[took.size() / 2];
}

std::optional<doctor::Disk> look_at_disk(const std::string& folder) {
  struct statfs found {};
  if (folder.empty() || statfs(folder.c_str(), &found) != 0) return std::nullopt;
  doctor::Disk disk;
  disk.folder = folder;
  disk.file_system = kind_of(found.f_type);
  const auto block = static_cast<std::uint64_t>(found.f_bsize);
  disk.size = found.f_blocks * block;
  disk.free = found.f_bavail * block;
  disk.files = found.f_files;
  disk.files_free = found.f_ffree;
  disk.sync_ms = time_sync(folder);
  return disk;
}

}  // namespace

void gather_host(doctor::Facts& f) {
  timex now{};
  if (adjtimex(&now) >= 0) f.clock_synchronized = (now.status & STA_UNSYNC) == 0;
  f.disk = look_at_disk(doctor::word(f.broker, "data_dir"));
  if (!f.disk) return;
  std::error_code error;
  std::filesystem::directory_iterator files(f.disk->folder + "/quarantine", error);
  if (!error) f.quarantined = static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace tandemq::failover
