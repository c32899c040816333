// tandemq-journal: reads a journal folder, a segment file, or a file of frames (quarantine) and
// prints what it says. Changes nothing, and may run beside a broker.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "broker/base/exit_code.h"
#include "replicator/journal/journal_scan.h"
#include "replicator/journal_dump/print.h"

namespace {

using namespace tandemq;
using namespace tandemq::repl;

constexpr std::string_view kSegmentMagic = "TQJOURNL";

struct Summary {
  Lsn first = 0;
  Lsn last = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

// A file of frames without a segment header; their LSNs may have gaps.
Result<JournalScan> scan_frames(const std::string& path, std::string_view bytes,
                                const RecordVisitor& visit) {
  FrameView frame;
  std::uint64_t offset = 0;
  while (offset < bytes.size()) {
    if (read_frame(bytes.substr(offset), frame) != FrameRead::frame) {
      return Error{path + " is damaged at offset " + std::to_string(offset) +
                       ": length or checksum is wrong",
                   kExitDamaged};
    }
    visit(path, frame, offset);
    offset += frame.bytes.size();
  }
  return JournalScan{};
}

Result<JournalScan> scan(const std::string& path, const RecordVisitor& visit) {
  JournalIo& io = JournalIo::system();
  if (std::filesystem::is_directory(path)) return scan_journal(io, path, visit);
  FileBytes file(io);
  const Result<std::string_view> bytes = file.load(path);
  if (!bytes) return bytes.error();
  const bool segment = segment_of_name(std::filesystem::path(path).filename().string()) != 0;
  if (segment || bytes->starts_with(kSegmentMagic)) return scan_journal_file(io, path, visit);
  return scan_frames(path, *bytes, visit);
}

void print_summary(const Summary& summary, const JournalScan& scan) {
  std::fprintf(stderr, "records=%llu first=%llu last=%llu bytes=%llu segments=%zu",
               static_cast<unsigned long long>(summary.records),
               static_cast<unsigned long long>(summary.first),
               static_cast<unsigned long long>(summary.last),
               static_cast<unsigned long long>(summary.bytes), scan.segments.size());
  std::fprintf(stderr, " marked_durable=%llu\n", static_cast<unsigned long long>(scan.marked));
  for (const EpochRange& range : scan.epochs) {
    std::fprintf(stderr, "epoch %s from record %llu\n", epoch_text(range.epoch).c_str(),
                 static_cast<unsigned long long>(range.first));
  }
  if (!scan.torn) return;
  std::fprintf(stderr, "%s; %llu bytes will be cut when the journal is opened\n",
               scan.torn->note.c_str(), static_cast<unsigned long long>(scan.torn->bytes));
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app(
      "Prints a TandeMQ journal. "
      "Exit code 0: sound, 2: wrong usage, 3: cannot be read, 4: damaged.");
  std::string path;
  PrintOptions options;
  bool verify = false;
  app.add_option("path", path, "journal folder, segment file, or quarantine file")->required();
  app.add_option("--from", options.from, "first record to print (LSN)");
  app.add_option("--to", options.to, "last record to print (LSN)");
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_flag("--bodies", options.bodies, "record bodies in hexadecimal as well");
  app.add_flag("--verify", verify, "print no records, only check and sum up");
  app.set_version_flag("--version", "tandemq-journal " TANDEMQ_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  Summary summary;
  const Result<JournalScan> scanned =
      scan(path, [&](const std::string& file, const FrameView& frame, std::uint64_t offset) {
        if (summary.records++ == 0) summary.first = frame.lsn;
        summary.last = frame.lsn;
        summary.bytes += frame.bytes.size();
        if (verify) return;
        const std::string line = print_frame(options, file, frame, offset);
        if (!line.empty()) std::printf("%s\n", line.c_str());
      });
  std::fflush(stdout);
  if (scanned) return print_summary(summary, *scanned), 0;
  std::fprintf(stderr, "error: %s\n", scanned.error().message.c_str());
  return scanned.error().code;
} catch (const std::exception& error) {  // such as a folder that may not be looked into
  std::fprintf(stderr, "error: %s\n", error.what());
  return kExitEnvironment;
}
