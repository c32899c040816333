#include "fake_host.h"

#include <fstream>
#include <sstream>

#include "broker/base/bytes.h"

namespace tandemq::repl {

Status FakeHost::apply(const FrameView& frame) {
  if (frame.lsn != last() + 1) {
    return Error{"record " + std::to_string(frame.lsn) + " after " + std::to_string(last())};
  }
  records[frame.lsn] = {frame.kind, std::string(frame.body)};
  return Done{};
}

std::vector<std::string> FakeHost::texts() const {
  std::vector<std::string> texts;
  for (const auto& [lsn, record] : records) {
    if (record.first >= kFirstUserKind) texts.push_back(record.second);
  }
  return texts;
}

std::string FakeHost::image() const {
  std::string image;
  for (const auto& [lsn, record] : records) {
    put_le(image, lsn);
    put_le(image, record.first);
    put_string32(image, record.second);
  }
  return image;
}

void FakeHost::load_image(const std::string& image) {
  records.clear();
  ByteReader in(image);
  while (in.left() > 0 && in.ok()) {
    const auto lsn = in.le<Lsn>();
    const auto kind = in.le<std::uint16_t>();
    if (lsn == 0) break;  // padding
    records[lsn] = {kind, std::string(in.string32())};
  }
}

void FakeHost::make_snapshot(std::function<void(Result<SnapshotFile>)> ready) {
  ++snapshots_made;
  std::ofstream out(snapshot_path, std::ios::binary);
  out << image() << std::string(snapshot_padding, '\0');
  out.close();
  ready(SnapshotFile{snapshot_path, last()});
}

Status FakeHost::install_snapshot(const std::string& path, Lsn lsn) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  load_image(text.str());
  ++snapshots_installed;
  if (last() != lsn) return Error{"the snapshot ends with record " + std::to_string(last())};
  checkpoint();
  return Done{};
}

Result<Lsn> FakeHost::rebuild_until(Lsn lsn) {
  if (checkpoint_lsn > lsn) return Error{"the checkpoint is beyond record " + std::to_string(lsn)};
  load_image(checkpoint_image);
  return checkpoint_lsn;
}

}  // namespace tandemq::repl
