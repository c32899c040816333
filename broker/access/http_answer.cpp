#include "broker/access/http_answer.h"

#include <nlohmann/json.hpp>

namespace tandemq::broker {
namespace {

using nlohmann::json;

constexpr std::int64_t kLastsMax = 315'360'000;  // ten years

HttpAnswer unclear(Refusal why) {
  return {Word::unclear, why, {}, true, 0};
}

HttpAnswer refused() {
  return {Word::refused, "the server that is asked refuses it", {}, true, 0};
}

// False: it says something else than seconds.
bool read_end(const json& said, Claims& out) {
  const auto lasts = said.find("lasts_s");
  if (lasts == said.end()) return true;
  if (!lasts->is_number_integer()) return false;
  const auto seconds = lasts->get<std::int64_t>();
  if (seconds < 1 || seconds > kLastsMax) return false;
  out.lasts_s = static_cast<std::uint32_t>(seconds);
  return true;
}

}  // namespace

std::string_view host_of(std::string_view address) {
  if (address.starts_with("[")) return address.substr(1, address.find(']') - 1);
  return address.substr(0, address.find(address.starts_with("unix") ? ',' : ':'));
}

std::string question_of(const Credentials& who, std::string_view listener) {
  const json body = {{"client_id", who.client_id},
                     {"username", who.username},
                     {"password", who.password},
                     {"address", host_of(who.address)},
                     {"listener", listener}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

HttpAnswer read_answer(long status, std::string_view body, std::string_view username,
                       bool with_header) {
  if (status == 401 && with_header)
    return unclear("it answers 401, as to a header that it refuses");
  if (status == 401 || status == 403) return refused();
  if (status != 200) return unclear("it answers with another status than 200, 401 or 403");
  const json said = json::parse(body, nullptr, false);
  if (!said.is_object()) return unclear("its answer is no JSON object");
  const auto allow = said.find("allow");
  if (allow == said.end() || !allow->is_boolean())
    return unclear("its answer has no \"allow\" that is true or false");
  if (!allow->get<bool>()) return refused();
  HttpAnswer out{Word::allowed, nullptr, {}, true, body.size()};
  out.claims.username = username;
  if (!read_end(said, out.claims)) return unclear("its \"lasts_s\" is no number of seconds from 1");
  const auto rights = said.find("rights");
  if (rights == said.end()) return out;
  const Refusal wrong = read_rights(*rights, out.claims);
  return wrong ? unclear(wrong) : out;
}

}  // namespace tandemq::broker
