// What a program can read of what another one wrote, and what two of them have in common. Records
// are opaque here: the host says which kinds it knows (docs/decisions/versions.md).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tandemq::repl {

struct KindVersion {
  std::uint16_t kind = 0;
  std::uint8_t version = 0;  // newest layout of the body, from 1; older ones are read as well
  bool operator==(const KindVersion&) const = default;
};

// Kinds are below this, so that a table of them is small.
constexpr std::uint16_t kKindsMax = 256;

// All that stands in a journal, a checkpoint or a snapshot. `frame` and `snapshot` are the newest
// formats; older ones are read as well. Frame 0: nothing was ever agreed.
struct Features {
  std::uint8_t frame = 0;
  std::uint16_t snapshot = 0;
  std::vector<KindVersion> kinds;  // sorted by kind, each once
  bool operator==(const Features&) const = default;
};

// This program's frames and control records, and what the host knows besides (`kinds` sorted, from
// kFirstUserKind on).
Features features_with(std::vector<KindVersion> kinds, std::uint16_t snapshot);

// What both can read.
Features common(const Features& a, const Features& b);

// Whatever is written by `needed` can be read by one that knows `known`.
bool covers(const Features& known, const Features& needed);

// What `needed` has beyond `known`: "record kind 40, version 2 of record kind 17".
std::string lacking(const Features& known, const Features& needed);

// "frame 1, snapshot 1, records 1-4 16-30 17v2".
std::string to_text(const Features& features);

// Newest body version by kind, 0 where there is none: for whoever looks at every record.
using KindTable = std::array<std::uint8_t, kKindsMax>;
KindTable table_of(const Features& features);
inline std::uint8_t version_in(const KindTable& table, std::uint16_t kind) {
  return kind < kKindsMax ? table[kind] : std::uint8_t{0};
}

// A setting that should be equal on both nodes, by name.
struct Setting {
  std::string name;
  std::string value;
  bool operator==(const Setting&) const = default;
};
struct Difference {
  std::string name, here, there;
  bool operator==(const Difference&) const = default;
};
// Names that only one of them has are of another version and not compared.
std::vector<Difference> differences(const std::vector<Setting>& here,
                                    const std::vector<Setting>& there);
// "commit is replicated here and replicated+synced there; ..."
std::string to_text(const std::vector<Difference>& differences);

}  // namespace tandemq::repl
