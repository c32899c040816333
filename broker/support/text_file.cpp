#include "broker/support/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "broker/base/exit_code.h"

namespace tandemq {
namespace {

constexpr std::size_t kSizeMax = 64 << 20;  // some hundred thousand users; a device has no end

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{std::strerror(errno), kExitConfiguration};
  std::string text;
  char piece[64 << 10];
  errno = 0;
  while (file && text.size() <= kSizeMax) {
    file.read(piece, sizeof piece);
    text.append(piece, static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return Error{std::strerror(errno), kExitConfiguration};
  if (text.size() > kSizeMax) {
    return Error{"it is longer than 64 MiB, which no such file is", kExitConfiguration};
  }
  return text;
}

}  // namespace tandemq
