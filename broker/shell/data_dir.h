// The data folder: made when missing, writable, and used by one process only.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace tandemq::broker {

class DataDir {
 public:
  DataDir() = default;
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  // Makes the folder (mode 0750), tries a write, takes the lock. Errors have code 3.
  Status open(const std::string& path);
  // Removes half-made files that a crash left: names that nothing is ever read from.
  void remove_leftovers() const;

 private:
  std::string path_;
  int lock_fd_ = -1;
};

}  // namespace tandemq::broker
