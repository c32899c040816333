#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/utf8.h"

namespace tandemq::mqtt {
namespace {

constexpr std::uint64_t bit(std::uint32_t id) {
  return std::uint64_t{1} << id;
}
constexpr std::uint64_t bit(Property p) {
  return bit(static_cast<std::uint32_t>(p));
}

constexpr std::uint64_t forwarded = bit(Property::payload_format) | bit(Property::content_type) |
                                    bit(Property::response_topic) |
                                    bit(Property::correlation_data) | bit(Property::user_property);
constexpr std::uint64_t in_publish = forwarded | bit(Property::message_expiry) |
                                     bit(Property::topic_alias) |
                                     bit(Property::subscription_identifier);
constexpr std::uint64_t in_will =
    forwarded | bit(Property::message_expiry) | bit(Property::will_delay);
constexpr std::uint64_t repeatable =
    bit(Property::user_property) | bit(Property::subscription_identifier);

// Gathers pieces of the input that belong together: one view while they touch, a copy otherwise.
class Pieces {
 public:
  explicit Pieces(std::string& scratch) : scratch_(scratch) {}
  void add(std::string_view piece) {
    if (view_.empty()) {
      view_ = piece;
    } else if (view_.data() + view_.size() == piece.data() && !copied_) {
      view_ = {view_.data(), view_.size() + piece.size()};
    } else {
      if (!copied_) scratch_.assign(view_);
      copied_ = true;
      scratch_.append(piece);
      view_ = scratch_;
    }
  }
  std::string_view view() const { return view_; }

 private:
  std::string& scratch_;
  std::string_view view_;
  bool copied_ = false;
};

void check_forwarded(Reader& in, Property property) {
  switch (property) {
    case Property::payload_format:
      if (in.u8() > 1) in.protocol_error("payload format indicator is not 0 or 1");
      return;
    case Property::correlation_data:
      in.binary();
      return;
    case Property::user_property:
      in.string(), in.string();
      return;
    case Property::response_topic: {
      const std::string_view topic = in.binary();
      const NameCheck check = check_name(topic);
      if (check == NameCheck::not_utf8) return in.malformed("response topic is not UTF-8");
      if (in.ok() && (check == NameCheck::has_wildcard || topic.empty())) {
        in.protocol_error("response topic is empty or has a wildcard");
      }
      return;
    }
    default:
      in.string();
      return;
  }
}

void read_own(Reader& in, Side side, Property property, PublishProperties& properties,
              std::uint32_t* will_delay_s) {
  switch (property) {
    case Property::message_expiry:
      properties.message_expiry_s = in.u32();
      properties.has_message_expiry = true;
      return;
    case Property::topic_alias:
      properties.topic_alias = in.u16();
      if (in.ok() && properties.topic_alias == 0) {
        in.fail(Reason::topic_alias_invalid, "topic alias is 0");
      }
      return;
    case Property::subscription_identifier: {
      if (side == Side::server) {
        return in.protocol_error("subscription identifier in a PUBLISH from a client");
      }
      const std::uint32_t id = in.variable();
      if (in.ok() && id == 0) return in.protocol_error("subscription identifier is 0");
      properties.subscription_identifiers.push_back(id);
      return;
    }
    default:
      *will_delay_s = in.u32();
      return;
  }
}

}  // namespace

void decode_publish_properties(Reader& in, Side side, PublishProperties& properties,
                               std::uint32_t* will_delay_s, std::string& scratch) {
  const std::uint32_t size = in.variable();
  if (size == 0) return;
  Reader part(in.bytes(size));
  const std::uint64_t allowed = will_delay_s ? in_will : in_publish;
  std::uint64_t seen = 0;
  Pieces pieces(scratch);
  while (part.left() != 0) {
    const char* begin = part.at();
    const std::uint32_t id = part.variable();
    if (id >= 64 || !(allowed & bit(id))) {
      part.malformed("property does not belong to this packet");
      break;
    }
    if (seen & bit(id) & ~repeatable) {
      part.protocol_error("property is given twice");
      break;
    }
    seen |= bit(id);
    if (forwarded & bit(id)) {
      check_forwarded(part, static_cast<Property>(id));
      pieces.add({begin, static_cast<std::size_t>(part.at() - begin)});
    } else {
      read_own(part, side, static_cast<Property>(id), properties, will_delay_s);
    }
  }
  properties.forward = pieces.view();
  in.adopt(part);
}

void reset(PublishProperties& properties) {
  properties.forward = {};
  properties.message_expiry_s = 0;
  properties.has_message_expiry = false;
  properties.topic_alias = 0;
  properties.subscription_identifiers.clear();
}

}  // namespace tandemq::mqtt
