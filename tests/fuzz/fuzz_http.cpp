// Answers of a server that is asked who may come in. The first byte chooses the status.
#include <cstdlib>
#include <string_view>

#include "broker/access/http_answer.h"

using namespace tandemq::broker;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (all.empty()) return 0;
  const long status = all[0] == 'r' ? 401 : all[0] == 'e' ? 500 : 200;
  const HttpAnswer said = read_answer(status, all.substr(1), "alice");
  const bool in = said.word == Word::allowed;
  if (in != (said.why == nullptr) || (in && status != 200)) std::abort();
  if (in && said.claims.username != "alice") std::abort();
  if (said.claims.rights && in) said.claims.rights->grants("c", "alice")->may_receive("a/b");
  return 0;
}
