// The file by which keepalived learns whether this node may hold the address, and with what
// priority: what the file says is added to it, kFaultValue is FAULT (docs/decisions/priorities.md).
// keepalived reads a file that is missing or garbage as 0, it fails open; so it is written by
// atomic rename, watched, and written again when anybody else changed it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "failover/core/facts.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {

struct Standing {
  bool eligible = false;
  unsigned claim = 0;
  bool operator==(const Standing&) const = default;
};

class TrackFile {
 public:
  static constexpr int kFaultValue = -254, kStep = 2;

  // What the file says now; not eligible when there is none or it is garbage.
  static Standing read(const std::string& path);
  // `tampered` is told what was found instead of what this class wrote.
  static Result<std::unique_ptr<TrackFile>> open(event_base* base, const std::string& path,
                                                 Standing standing,
                                                 std::function<void(const std::string&)> tampered);

  void set(Standing standing);
  // Writes it anew, so that a keepalived that missed it looks again.
  void touch();

 private:
  TrackFile(event_base* base, std::string path, Standing standing,
            std::function<void(const std::string&)> tampered);
  Status write();
  void check();
  void drain();

  std::string path_;
  Standing standing_;
  std::function<void(const std::string&)> tampered_;
  Fd inotify_;
  std::unique_ptr<Readable> readable_;
  Timer timer_;
};

}  // namespace tandemq::failover
