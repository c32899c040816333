#include "replicator/core/wire.h"

#include <cstring>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

constexpr std::uint16_t kProtocolFirst = 2;  // with the opening that all have since

void put_text(std::string& out, std::string_view text) {
  put_string16(out, text.substr(0, kTextMax));
}

void put_history(std::string& out, const EpochHistory& history) {
  put_le(out, static_cast<std::uint32_t>(history.size()));
  for (const EpochStart& reign : history) put_le(out, reign.epoch), put_le(out, reign.first);
}

void put_flags(std::string& out, std::initializer_list<bool> bits) {
  unsigned flags = 0;
  unsigned bit = 0;
  for (bool set : bits) flags |= (set ? 1u : 0u) << bit++;
  put_le(out, static_cast<std::uint8_t>(flags));
}

void put_features(std::string& out, const Features& f) {
  put_le(out, f.frame);
  put_le(out, f.snapshot);
  put_le(out, static_cast<std::uint16_t>(f.kinds.size()));
  for (const KindVersion& one : f.kinds) put_le(out, one.kind), put_le(out, one.version);
}

void put_settings(std::string& out, const std::vector<Setting>& settings) {
  put_le(out, static_cast<std::uint16_t>(settings.size()));
  for (const Setting& one : settings) put_text(out, one.name), put_text(out, one.value);
}

void put(std::string& out, const msg::Hello& m) {
  put_le(out, m.newest);
  put_le(out, m.oldest);
  put_text(out, m.software);
  put_text(out, m.pair_id);
  put_le(out, static_cast<std::uint8_t>(m.node_index));
  put_text(out, m.node_name);
  put_le(out, m.epoch_seen);
  put_le(out, static_cast<std::uint8_t>(m.role));
  put_flags(out, {m.in_sync, m.was_in_sync, m.solo, m.needs_snapshot, m.by_sync});
  put_le(out, m.first);
  put_le(out, m.last);
  put_history(out, m.history);
  put_le(out, m.messages);
  put_features(out, m.known);
  put_settings(out, m.settings);
}
void put(std::string& out, const msg::Follow& m) {
  put_le(out, m.epoch);
  put_le(out, m.keep_through);
  put_flags(out, {m.in_sync, m.sync_each, m.snapshot});
}
void put(std::string& out, const msg::Records& m) {
  out.append(m.frames);
}
void put(std::string& out, const msg::Confirm& m) {
  put_le(out, m.epoch);
  put_le(out, m.received);
  put_le(out, m.synced);
  put_flags(out, {m.in_sync});
}
void put(std::string& out, const msg::Heartbeat& m) {
  put_le(out, m.epoch);
  put_le(out, m.last);
  put_le(out, m.committed);
  put_le(out, m.pair_time);
}
void put(std::string& out, const msg::InSync& m) {
  put_le(out, m.epoch), put_le(out, m.lsn);
}
void put(std::string& out, const msg::NeedSnapshot& m) {
  put_text(out, m.reason);
}
void put(std::string& out, const msg::SnapshotBegin& m) {
  put_le(out, m.lsn);
  put_le(out, m.bytes);
  put_history(out, m.history);
}
void put(std::string& out, const msg::SnapshotChunk& m) {
  put_le(out, m.offset);
  put_le(out, m.crc);
  out.append(m.bytes);
}
void put(std::string& out, const msg::SnapshotEnd& m) {
  put_le(out, m.crc);
}
void put(std::string& out, const msg::SwitchoverOffer& m) {
  put_le(out, m.epoch), put_le(out, m.lsn);
}
void put(std::string& out, const msg::SwitchoverAccept& m) {
  put_le(out, m.epoch);
  put_text(out, m.reason);
}
void put(std::string& out, const msg::Goodbye& m) {
  put_flags(out, {m.out_of_sync});
  put_text(out, m.reason);
}
void put(std::string& out, const msg::Reject& m) {
  put_text(out, m.reason);
}

#ifdef TANDEMQ_NEXT
void put(std::string& out, const msg::Remark& m) {
  put_text(out, m.text);
}
#endif

std::string_view get_text(ByteReader& in) {
  std::string_view text = in.string16();
  if (text.size() > kTextMax) in.fail();
  return text;
}

void get_history(ByteReader& in, EpochHistory& history) {
  const auto count = in.le<std::uint32_t>();
  if (count > kHistoryMax || in.left() < count * sizeof(EpochStart)) return in.fail();
  history.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const EpochStart reign{in.le<Epoch>(), in.le<Lsn>()};
    const bool sorted =
        history.empty() ? reign.first > 0
                        : reign.epoch > history.back().epoch && reign.first > history.back().first;
    if (!sorted) return in.fail();
    history.push_back(reign);
  }
}

// A byte of flags of which only `known` may be set.
unsigned get_flags(ByteReader& in, unsigned known) {
  const unsigned flags = in.le<std::uint8_t>();
  if (flags & ~known) in.fail();
  return flags;
}

void get_features(ByteReader& in, Features& f) {
  f.frame = in.le<std::uint8_t>();
  f.snapshot = in.le<std::uint16_t>();
  const auto count = in.le<std::uint16_t>();
  for (int i = 0; in.ok() && i < count; ++i) {
    const KindVersion one{in.le<std::uint16_t>(), in.le<std::uint8_t>()};
    if (!f.kinds.empty() && one.kind <= f.kinds.back().kind) return in.fail();
    f.kinds.push_back(one);
  }
}

void get_settings(ByteReader& in, std::vector<Setting>& settings) {
  const auto count = in.le<std::uint16_t>();
  if (count > kSettingsMax) return in.fail();
  for (int i = 0; in.ok() && i < count; ++i) {
    Setting& one = settings.emplace_back();
    one.name = get_text(in);
    one.value = get_text(in);
  }
}

// Protocols of which none is spoken by both: the rest may look different, or be missing.
bool apart(const msg::Hello& m) {
  return m.newest < kProtocolOldest || m.oldest > kProtocolNewest;
}

void get(ByteReader& in, msg::Hello& m) {
  m.newest = in.le<std::uint16_t>();
  m.oldest = in.le<std::uint16_t>();
  // Protocol 1, which was in no release, had no opening like this.
  if (m.newest < kProtocolFirst) return static_cast<void>(in.bytes(in.left()));
  m.software = get_text(in);
  m.pair_id = get_text(in);
  m.node_index = in.le<std::uint8_t>();
  m.node_name = get_text(in);
  if (apart(m)) return static_cast<void>(in.bytes(in.left()));
  m.epoch_seen = in.le<Epoch>();
  const auto role = in.le<std::uint8_t>();
  if (role > static_cast<std::uint8_t>(Role::fenced)) return in.fail();
  m.role = static_cast<Role>(role);
  const unsigned flags = get_flags(in, 31);
  m.in_sync = flags & 1;
  m.was_in_sync = flags & 2;
  m.solo = flags & 4;
  m.needs_snapshot = flags & 8;
  m.by_sync = flags & 16;
  m.first = in.le<Lsn>();
  m.last = in.le<Lsn>();
  get_history(in, m.history);
  m.messages = in.le<std::uint64_t>();
  get_features(in, m.known);
  get_settings(in, m.settings);
}
void get(ByteReader& in, msg::Follow& m) {
  m.epoch = in.le<Epoch>();
  m.keep_through = in.le<Lsn>();
  const unsigned flags = get_flags(in, 7);
  m.in_sync = flags & 1;
  m.sync_each = flags & 2;
  m.snapshot = flags & 4;
}
void get(ByteReader& in, msg::Records& m) {
  m.frames = in.bytes(in.left());
}
void get(ByteReader& in, msg::Confirm& m) {
  m.epoch = in.le<Epoch>();
  m.received = in.le<Lsn>();
  m.synced = in.le<Lsn>();
  m.in_sync = get_flags(in, 1) & 1;
}
void get(ByteReader& in, msg::Heartbeat& m) {
  m.epoch = in.le<Epoch>();
  m.last = in.le<Lsn>();
  m.committed = in.le<Lsn>();
  m.pair_time = in.le<TimeMs>();
}
void get(ByteReader& in, msg::InSync& m) {
  m.epoch = in.le<Epoch>(), m.lsn = in.le<Lsn>();
}
void get(ByteReader& in, msg::NeedSnapshot& m) {
  m.reason = get_text(in);
}
void get(ByteReader& in, msg::SnapshotBegin& m) {
  m.lsn = in.le<Lsn>();
  m.bytes = in.le<std::uint64_t>();
  get_history(in, m.history);
}
void get(ByteReader& in, msg::SnapshotChunk& m) {
  m.offset = in.le<std::uint64_t>();
  m.crc = in.le<std::uint32_t>();
  m.bytes = in.bytes(in.left());
}
void get(ByteReader& in, msg::SnapshotEnd& m) {
  m.crc = in.le<std::uint32_t>();
}
void get(ByteReader& in, msg::SwitchoverOffer& m) {
  m.epoch = in.le<Epoch>(), m.lsn = in.le<Lsn>();
}
void get(ByteReader& in, msg::SwitchoverAccept& m) {
  m.epoch = in.le<Epoch>();
  m.reason = get_text(in);
}
void get(ByteReader& in, msg::Goodbye& m) {
  m.out_of_sync = get_flags(in, 1) & 1;
  m.reason = get_text(in);
}
void get(ByteReader& in, msg::Reject& m) {
  m.reason = get_text(in);
}

#ifdef TANDEMQ_NEXT
void get(ByteReader& in, msg::Remark& m) {
  m.text = get_text(in);
}
#endif

// Reads the body as the alternative whose number is `type`.
template <std::size_t I = 0>
bool get_as(std::uint8_t type, ByteReader& in, Message& message) {
  if constexpr (I == std::variant_size_v<Message>) {
    return false;
  } else if (type != I + 1) {
    return get_as<I + 1>(type, in, message);
  } else {
    get(in, message.emplace<I>());
    return in.ok();  // what stands behind is of a newer version, and may be left unread
  }
}

// Bulk bodies carry checksums of their own and are not summed twice.
constexpr bool is_bulk(std::uint8_t type) {
  return type == type_of<msg::Records>() || type == type_of<msg::SnapshotChunk>();
}

std::string protocols(unsigned oldest, unsigned newest) {
  if (newest < kProtocolFirst) return "replication protocol " + std::to_string(newest);
  if (oldest == newest) return "replication protocol " + std::to_string(newest);
  return "replication protocols " + std::to_string(oldest) + " to " + std::to_string(newest);
}

}  // namespace

void encode(std::string& out, const Message& message) {
  const std::size_t at = out.size();
  const auto type = static_cast<std::uint8_t>(message.index() + 1);
  put_le<std::uint64_t>(out, 0);
  put_le(out, type);
  std::visit([&out](const auto& m) { put(out, m); }, message);
  const auto size = static_cast<std::uint32_t>(out.size() - at);
  const std::uint32_t crc = is_bulk(type) ? 0 : crc32c(std::string_view(out).substr(at + 8));
  std::memcpy(out.data() + at, &size, sizeof(size));
  std::memcpy(out.data() + at + 4, &crc, sizeof(crc));
}

void encode_records_header(std::string& out, std::size_t frame_bytes) {
  put_le(out, static_cast<std::uint32_t>(kMessageHeader + frame_bytes));
  put_le<std::uint32_t>(out, 0);
  put_le(out, type_of<msg::Records>());
}

WireRead decode(std::string_view in, Message& message, std::size_t& size, std::uint32_t limit) {
  if (in.size() < 4) return WireRead::need_more;
  size = get_le<std::uint32_t>(in.data());
  if (size < kMessageHeader || size > limit) return WireRead::damaged;
  if (in.size() >= kMessageHeader) {
    const auto type = static_cast<std::uint8_t>(in[8]);
    if (type == 0 || type > std::variant_size_v<Message>) return WireRead::damaged;
  }
  if (in.size() < size) return WireRead::need_more;
  const auto type = static_cast<std::uint8_t>(in[8]);
  const auto crc = get_le<std::uint32_t>(in.data() + 4);
  const std::string_view summed = in.substr(8, size - 8);
  if (crc != (is_bulk(type) ? 0 : crc32c(summed))) return WireRead::damaged;
  ByteReader body(summed.substr(1));
  return get_as(type, body, message) ? WireRead::message : WireRead::damaged;
}

const char* name_of(const Message& message) {
  constexpr const char* names[] = {
      "Hello",           "Follow",           "Records",       "Confirm",       "Heartbeat",
      "InSync",          "NeedSnapshot",     "SnapshotBegin", "SnapshotChunk", "SnapshotEnd",
      "SwitchoverOffer", "SwitchoverAccept", "Goodbye",       "Reject",
#ifdef TANDEMQ_NEXT
      "Remark",
#endif
  };
  static_assert(std::size(names) == std::variant_size_v<Message>);
  return names[message.index()];
}

std::string who(const std::string& node_name, const std::string& software) {
  return node_name + " (TandeMQ " + (software.empty() ? "of an unknown version" : software) + ")";
}

Status check_hello(const msg::Hello& hello, const NodeIdentity& own) {
  const std::string peer =
      who(hello.node_name.empty() ? "the peer" : hello.node_name, hello.software);
  const std::string self = who(own.node_name, own.software);
  if (apart(hello)) {
    return Error{peer + " speaks " + protocols(hello.oldest, hello.newest) + ", " + self + " " +
                 protocols(kProtocolOldest, kProtocolNewest) +
                 ": install the same release on both, or one after the other the releases between"};
  }
  if (hello.pair_id != own.pair_id) {
    return Error{peer + " belongs to pair '" + hello.pair_id + "', " + self + " to '" +
                 own.pair_id + "': check replication.pair_id and replication.peer_address of both"};
  }
  if (hello.node_index == own.node_index || hello.node_index < 1 || hello.node_index > 2) {
    return Error{peer + " has node.index " + std::to_string(hello.node_index) + ", " + self + " " +
                 std::to_string(own.node_index) + ": one must have 1, the other 2"};
  }
  if (!own.peer_name.empty() && hello.node_name != own.peer_name) {
    return Error{self + " expects a peer named '" + own.peer_name + "', but " + peer +
                 " came: correct replication.peer of the one or node.name of the other"};
  }
  if (epoch_counter(hello.epoch_seen) >= kEpochCounterMax) {
    return Error{peer + " has seen epoch " + std::to_string(epoch_counter(hello.epoch_seen)) +
                 ", which is more than there can have been: its meta.json is damaged"};
  }
  return Done{};
}

}  // namespace tandemq::repl
