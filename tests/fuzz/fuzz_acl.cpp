// An acl_file that holds whatever it likes: it is refused with place and remedy, or any client can
// be judged by it.
#include <cstddef>
#include <cstdint>

#include "broker/access/acl.h"
#include "broker/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandemq;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto acl = broker::Acl::parse(text, "acl");
  if (!acl) {
    TMQ_CHECK(acl.error().message.find("acl") != std::string::npos);
    return 0;
  }
  for (const char* user : {"", "anna", "a/b", "+"}) {
    const core::GrantsRef grants = acl->grants("client", user);
    TMQ_CHECK(grants);
    grants->may_publish("a/client/b");
    grants->may_subscribe("a/+/b");
    grants->may_receive("a/client/b");
  }
  return 0;
}
