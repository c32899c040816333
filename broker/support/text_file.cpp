#include "broker/support/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "broker/base/exit_code.h"

namespace tandemq {

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{std::strerror(errno), kExitConfiguration};
  std::string text;
  try {
    file.exceptions(std::ios::badbit);
    text.assign(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {
    return Error{std::strerror(errno), kExitConfiguration};
  }
  return text;
}

}  // namespace tandemq
