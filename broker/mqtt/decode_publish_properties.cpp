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

constexpr std::uint64_t forwarded = properties_with(carrier::forwarded);
constexpr std::uint64_t in_publish = properties_with(carrier::publish);
constexpr std::uint64_t in_will = properties_with(carrier::will);
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

void check_response_topic(Reader& in) {
  const std::string_view topic = in.binary();
  const NameCheck check = check_name(topic);
  if (check == NameCheck::not_utf8) return in.malformed("response topic is not UTF-8");
  if (in.ok() && (check == NameCheck::has_wildcard || topic.empty()))
    in.protocol_error("response topic is empty or has a wildcard");
}

void read_alias(Reader& in, PublishProperties& properties) {
  properties.topic_alias = in.u16();
  if (in.ok() && properties.topic_alias == 0)
    in.fail(Reason::topic_alias_invalid, "topic alias is 0");
}

void read_identifier(Reader& in, Side side, PublishProperties& properties) {
  if (side == Side::server)
    return in.protocol_error("subscription identifier in a PUBLISH from a client");
  const std::uint32_t id = in.variable();
  if (in.ok() && id == 0) return in.protocol_error("subscription identifier is 0");
  properties.subscription_identifiers.push_back(id);
}

// Those that are forwarded are checked and passed over.
void read_property(Reader& in, Side side, Property property, PublishProperties& properties,
                   std::uint32_t* will_delay_s) {
  switch (property) {
    case Property::payload_format:
      if (in.u8() > 1) in.protocol_error("payload format indicator is not 0 or 1");
      return;
    case Property::content_type:
      in.string();
      return;
    case Property::response_topic:
      return check_response_topic(in);
    case Property::correlation_data:
      in.binary();
      return;
    case Property::user_property:
      in.string(), in.string();
      return;
    case Property::message_expiry:
      properties.message_expiry_s = in.u32();
      properties.has_message_expiry = true;
      return;
    case Property::topic_alias:
      return read_alias(in, properties);
    case Property::subscription_identifier:
      return read_identifier(in, side, properties);
    case Property::will_delay:
      *will_delay_s = in.u32();
      return;
#define TMQ_X(identifier, name, carriers) case Property::name:
      TMQ_PACKET_PROPERTIES(TMQ_X)
#undef TMQ_X
      return;  // in no PUBLISH and no will
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
    read_property(part, side, static_cast<Property>(id), properties, will_delay_s);
    if (forwarded & bit(id)) pieces.add({begin, static_cast<std::size_t>(part.at() - begin)});
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
