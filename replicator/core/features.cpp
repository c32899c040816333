#include "replicator/core/features.h"

#include <algorithm>

#include "broker/base/check.h"
#include "replicator/core/frame.h"

namespace tandemq::repl {
namespace {

void add_words(std::string& out, const std::string& words) {
  if (!out.empty()) out += ", ";
  out += words;
}

}  // namespace

Features features_with(std::vector<KindVersion> kinds, std::uint16_t snapshot) {
  Features all{kFrameFormat, snapshot, {}};
  for (const ControlKind kind : kControlKinds) {
    all.kinds.push_back({static_cast<std::uint16_t>(kind), kRecordVersion});
  }
  all.kinds.insert(all.kinds.end(), kinds.begin(), kinds.end());
  for (std::size_t i = 1; i < all.kinds.size(); ++i) {
    TMQ_CHECK(all.kinds[i - 1].kind < all.kinds[i].kind && all.kinds[i].kind < kKindsMax);
  }
  return all;
}

Features common(const Features& a, const Features& b) {
  Features both{std::min(a.frame, b.frame), std::min(a.snapshot, b.snapshot), {}};
  const KindTable theirs = table_of(b);
  for (const KindVersion& mine : a.kinds) {
    const std::uint8_t version = std::min(mine.version, version_in(theirs, mine.kind));
    if (version != 0) both.kinds.push_back({mine.kind, version});
  }
  return both;
}

bool covers(const Features& known, const Features& needed) {
  const KindTable table = table_of(known);
  return needed.frame <= known.frame && needed.snapshot <= known.snapshot &&
         std::all_of(needed.kinds.begin(), needed.kinds.end(), [&](const KindVersion& one) {
           return one.version <= version_in(table, one.kind);
         });
}

std::string lacking(const Features& known, const Features& needed) {
  std::string out;
  const KindTable table = table_of(known);
  if (needed.frame > known.frame) add_words(out, "frame format " + std::to_string(needed.frame));
  if (needed.snapshot > known.snapshot) {
    add_words(out, "snapshot format " + std::to_string(needed.snapshot));
  }
  for (const KindVersion& one : needed.kinds) {
    const std::uint8_t have = version_in(table, one.kind);
    if (one.version <= have) continue;
    const std::string kind = "record kind " + std::to_string(one.kind);
    add_words(out, have == 0 ? kind : "version " + std::to_string(one.version) + " of " + kind);
  }
  return out;
}

std::string to_text(const Features& features) {
  std::string out = "frame " + std::to_string(features.frame) + ", snapshot " +
                    std::to_string(features.snapshot) + ", records";
  const std::vector<KindVersion>& kinds = features.kinds;
  for (std::size_t i = 0; i < kinds.size();) {
    std::size_t end = i + 1;
    while (end < kinds.size() && kinds[end].kind == kinds[i].kind + (end - i)) ++end;
    out += " " + std::to_string(kinds[i].kind);
    if (end - i > 1) out += "-" + std::to_string(kinds[end - 1].kind);
    i = end;
  }
  for (const KindVersion& one : kinds) {
    if (one.version > 1) out += " " + std::to_string(one.kind) + "v" + std::to_string(one.version);
  }
  return out;
}

KindTable table_of(const Features& features) {
  KindTable table{};
  for (const KindVersion& one : features.kinds) {
    if (one.kind < kKindsMax) table[one.kind] = one.version;
  }
  return table;
}

std::vector<Difference> differences(const std::vector<Setting>& here,
                                    const std::vector<Setting>& there) {
  std::vector<Difference> out;
  for (const Setting& mine : here) {
    for (const Setting& theirs : there) {
      if (mine.name == theirs.name && mine.value != theirs.value) {
        out.push_back({mine.name, mine.value, theirs.value});
      }
    }
  }
  return out;
}

std::string to_text(const std::vector<Difference>& differences) {
  std::string out;
  for (const Difference& one : differences) {
    if (!out.empty()) out += "; ";
    out += one.name + " is " + one.here + " here and " + one.there + " there";
  }
  return out;
}

}  // namespace tandemq::repl
