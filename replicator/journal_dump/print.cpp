#include "replicator/journal_dump/print.h"

#include <nlohmann/json.hpp>

#include "broker/base/bytes.h"
#include "broker/core/records.h"

namespace tandemq::repl {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string describe_control(ControlKind kind, std::string_view body) {
  ByteReader reader(body);
  std::string text;
  switch (kind) {
    case ControlKind::reign_began: {
      const auto epoch = reader.le<Epoch>();
      text =
          "reign_began epoch=" + epoch_text(epoch) + " time=" + std::to_string(reader.le<TimeMs>());
      break;
    }
    case ControlKind::went_solo: {
      const auto time = reader.le<TimeMs>();
      text = "went_solo time=" + std::to_string(time) + " reason=\"" +
             std::string(reader.string16()) + "\"";
      break;
    }
    case ControlKind::paired:
      text = "paired time=" + std::to_string(reader.le<TimeMs>());
      break;
    case ControlKind::still_reigns:
      text = "still_reigns time=" + std::to_string(reader.le<TimeMs>());
      break;
  }
  if (text.empty()) return "control_" + std::to_string(static_cast<unsigned>(kind));
  return reader.ok() && reader.left() == 0 ? text : text + " malformed=1";
}

}  // namespace

std::string epoch_text(Epoch epoch) {
  return std::to_string(epoch_counter(epoch)) + "." + std::to_string(epoch_node(epoch));
}

std::string describe_frame(const FrameView& frame) {
  if (frame.kind < kFirstUserKind) {
    return describe_control(static_cast<ControlKind>(frame.kind), frame.body);
  }
  const auto record =
      core::decode_record(static_cast<core::Kind>(frame.kind), frame.body, frame.version);
  if (record) return core::describe(*record);
  return "kind_" + std::to_string(frame.kind) + " unreadable=\"" + record.error().message + "\"";
}

std::string print_frame(const PrintOptions& options, const std::string& path,
                        const FrameView& frame, std::uint64_t offset) {
  if (frame.lsn < options.from || frame.lsn > options.to) return {};
  const std::string what = describe_frame(frame);
  if (!options.json) {
    std::string line = std::to_string(frame.lsn) + " " + epoch_text(frame.epoch) + " " + what;
    if (options.bodies) line += " body=" + hex(frame.body);
    return line;
  }
  nlohmann::ordered_json object = {
      {"lsn", frame.lsn},   {"epoch", frame.epoch},     {"reign", epoch_text(frame.epoch)},
      {"kind", frame.kind}, {"version", frame.version}, {"bytes", frame.bytes.size()},
      {"file", path},       {"offset", offset},         {"record", what}};
  if (options.bodies) object["body"] = hex(frame.body);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tandemq::repl
