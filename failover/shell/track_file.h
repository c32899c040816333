// The file by which keepalived learns whether this node may hold the address: 0 it may, 1 it must
// not (weight 0: FAULT). keepalived reads a file that is missing or garbage as 0, it fails open; so
// it is written by atomic rename, watched, and written again when anybody else changed it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {

class TrackFile {
 public:
  // What the file says now; false (not eligible) when there is none or it is garbage.
  static bool read(const std::string& path);
  // `tampered` is told what was found instead of what this class wrote.
  static Result<std::unique_ptr<TrackFile>> open(event_base* base, const std::string& path,
                                                 bool eligible,
                                                 std::function<void(const std::string&)> tampered);

  void set(bool eligible);
  // Writes it anew, so that a keepalived that missed it looks again.
  void touch();

 private:
  TrackFile(event_base* base, std::string path, bool eligible,
            std::function<void(const std::string&)> tampered);
  Status write();
  void check();
  void drain();

  std::string path_;
  bool eligible_;
  std::function<void(const std::string&)> tampered_;
  Fd inotify_;
  std::unique_ptr<Readable> readable_;
  Timer timer_;
};

}  // namespace tandemq::failover
