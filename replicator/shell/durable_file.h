// A file that is there whole or not at all: temporary file, fsync, rename, fsync of the folder.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq::repl {

// Errors have code 3. A file that was not finished is removed.
class DurableFile {
 public:
  explicit DurableFile(std::string path);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  Status open();  // first
  Status append(std::string_view bytes);
  Status sync();    // what was appended; a file that grows for long waits less at its end
  Status finish();  // durable, and under its own name, when it returns

 private:
  const std::string path_;
  const std::string temporary_;
  int fd_ = -1;
};

// WHAT PATH: and what errno says; code 3.
Error file_error(const char* what, const std::string& path);

// A whole file at once.
Status write_file_durably(const std::string& path, std::string_view content);

}  // namespace tandemq::repl
