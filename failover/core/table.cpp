#include "failover/core/table.h"

namespace tandemq::failover {
namespace {

constexpr const char* kHead =
    "# The failover machine\n\n"
    "Printed by `tandemq-agent --print-table`; a test compares this file with the table in\n"
    "`failover/core/rows_*.cpp`, so edit it there. The first row whose state, event and guards "
    "fit\n"
    "is taken, then the rows are tried again until none fits. An empty event means any; times and\n"
    "silences are judged at every event and every 10 ms.\n\n"
    "Order, always: authority, epoch durable, broker promoted, node eligible for the address.\n"
    "Demotion runs backwards.\n";

std::string states() {
  std::string out = "\n## States\n| state | meaning | may hold the address |\n|---|---|---|\n";
  for (unsigned i = 0; i < kPhases; ++i) {
    const Phase phase = static_cast<Phase>(i);
    out += std::string("| `") + to_string(phase) + "` | " + describe(phase) + " | " +
           to_string(eligible_in(phase)) + " |\n";
  }
  return out;
}

std::string from_words(const PhaseSet& set) {
  if (set.is_all()) return "any";
  std::string out;
  for (unsigned i = 0; i < kPhases; ++i) {
    const Phase phase = static_cast<Phase>(i);
    if (set.has(phase)) out += (out.empty() ? "" : ", ") + std::string(to_string(phase));
  }
  return out;
}

std::string row_words(const Row& row) {
  std::string guards;
  for (const Guard* g : row.guards) {
    if (g) guards += (guards.empty() ? "" : "; ") + std::string(g->words);
  }
  std::string actions;
  for (Do action : row.actions) {
    if (action != Do::none)
      actions += (actions.empty() ? "" : "; ") + std::string(to_string(action));
  }
  return "| " + from_words(row.from) + " | " + (row.on ? to_string(*row.on) : "") + " | " + guards +
         " | " + (row.to ? to_string(*row.to) : "stays") + " | " + actions + " | " + row.why +
         " |\n";
}

std::string section(const char* title, std::span<const Row> rows) {
  std::string out =
      std::string("\n## ") + title +
      "\n| state | event | guards | next | actions | why |\n|---|---|---|---|---|---|\n";
  for (const Row& row : rows) out += row_words(row);
  return out;
}

}  // namespace

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (auto part : {broker_rows(), primary_rows(), standby_rows(), agreement_rows()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

std::string print_table() {
  return kHead + states() + section("The broker's process and role", broker_rows()) +
         section("This node serves, or is ceasing to", primary_rows()) +
         section("This node follows, or is about to serve", standby_rows()) +
         section("Answers to the peer's questions", agreement_rows());
}

}  // namespace tandemq::failover
