// Clock, disk, memory and descriptors.
#include <cstdio>

#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

constexpr std::int64_t kClocksApartMs = 2000;
constexpr double kSyncSlowMs = 30, kSyncBadMs = 200;
constexpr std::uint64_t kRoomLeast = 512ull << 20;
constexpr std::uint64_t kFilesLeast = 4096;  // descriptors for a handful of clients alone
constexpr std::uint64_t kSwappedMost = 16 << 10;

std::string mib(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

std::string percent(std::uint64_t some, std::uint64_t all) {
  return std::to_string(all == 0 ? 0 : some * 100 / all) + " %";
}

Finding clock_synchronized(const Facts& f) {
  if (!f.clock_synchronized) return unknown("the kernel does not say");
  return *f.clock_synchronized ? good("it is") : note("nothing keeps this host's clock right");
}

Finding clocks_equal(const Facts& f) {
  const auto peer = peer_of(f);
  if (is_single(f) || !peer_is_fresh(f) || !peer.contains("clock_ahead_ms") ||
      !peer["clock_ahead_ms"].is_number())
    return unknown("the peer does not tell its time");
  const auto ahead = count(peer, "clock_ahead_ms");
  const std::string text = std::to_string(ahead) + " ms ahead of this node's";
  return ahead > kClocksApartMs || ahead < -kClocksApartMs ? warning("the peer's is " + text)
                                                           : good("the peer's is " + text);
}

Finding no_disk() {
  return unknown("the data folder is not known");
}

Finding disk_quick(const Facts& f) {
  if (!f.disk || !f.disk->sync_ms) return no_disk();
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms a sync", *f.disk->sync_ms);
  if (*f.disk->sync_ms > kSyncBadMs) return bad(text);
  return *f.disk->sync_ms > kSyncSlowMs ? warning(text) : good(text);
}

// Less than a twentieth, or than half a gigabyte; an eighth of that is about to be none.
Finding disk_room(const Facts& f) {
  if (!f.disk) return no_disk();
  const std::string text = mib(f.disk->free) + " free, " + percent(f.disk->free, f.disk->size);
  if (f.disk->free < kRoomLeast / 8) return bad(text);
  return f.disk->free < kRoomLeast || f.disk->free < f.disk->size / 20 ? warning(text) : good(text);
}

Finding disk_files(const Facts& f) {
  if (!f.disk || f.disk->files == 0) return no_disk();
  const std::string text = percent(f.disk->files_free, f.disk->files) + " of the inodes are free";
  return f.disk->files_free < f.disk->files / 50 ? warning(text) : good(text);
}

Finding disk_lasting(const Facts& f) {
  if (!f.disk) return no_disk();
  if (f.disk->file_system.empty()) return good(f.disk->folder);
  return warning(f.disk->folder + " is on " + f.disk->file_system);
}

Finding descriptors(const Facts& f) {
  if (!f.broker_process || f.broker_process->files_most == 0)
    return unknown("the broker's process was not seen");
  const Process& p = *f.broker_process;
  const std::string text =
      std::to_string(p.files_open) + " of " + std::to_string(p.files_most) + " in use";
  if (p.files_open > p.files_most / 10 * 9) return bad(text);
  return p.files_open > p.files_most / 10 * 7 || p.files_most < kFilesLeast ? warning(text)
                                                                            : good(text);
}

Finding memory(const Facts& f) {
  if (f.memory_kib == 0) return unknown("the kernel does not say");
  const std::string text =
      mib(f.memory_free_kib << 10) + " free, " + percent(f.memory_free_kib, f.memory_kib);
  if (f.memory_free_kib < f.memory_kib / 50) return bad(text);
  return f.memory_free_kib < f.memory_kib / 10 ? warning(text) : good(text);
}

Finding not_swapped(const Facts& f) {
  if (!f.broker_process) return unknown("the broker's process was not seen");
  const std::uint64_t kib = f.broker_process->swapped_kib;
  return kib > kSwappedMost ? warning(mib(kib << 10) + " of the broker are swapped out")
                            : good("the broker is in memory");
}

constexpr Check kOfHost[] = {
    {"clock-synchronized", "is this host's clock kept right?",
     "apt install systemd-timesyncd or chrony; timedatectl", &clock_synchronized},
    {"clocks-equal", "do both nodes agree on the time?", "timedatectl on both", &clocks_equal},
    {"disk-quick", "is a write on the disk soon?",
     "a disk of its own for the data; see the runbook TandemqDiskSlow", &disk_quick},
    {"disk-room", "is there room for data?", "make room, or journal.bytes_max smaller", &disk_room},
    {"disk-files", "can more files be made?", "df -i; remove what is not needed", &disk_files},
    {"disk-lasting", "is the data folder on a disk?",
     "node.data_dir on a local disk: what is in memory is gone with the host's power",
     &disk_lasting},
    {"descriptors", "are there descriptors for more clients?",
     "LimitNOFILE= for tandemqd (systemctl edit tandemqd)", &descriptors},
    {"memory", "is there memory left?", "more memory, or less beside the broker", &memory},
    {"not-swapped", "is the broker in memory?", "less beside the broker, or no swap", &not_swapped},
};

}  // namespace

const std::span<const Check> kHostChecks = kOfHost;

}  // namespace tandemq::doctor
