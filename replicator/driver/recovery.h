// Opening a node's data: meta, journal, and the host's state brought up to the journal's end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "replicator/driver/ports.h"
#include "replicator/driver/replicator.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

class Recovery {
 public:
  // All outlive it.
  Recovery(const Ports& ports, const ReplicatorConfig& config, ReplicatorHost& host)
      : ports_(ports), config_(config), host_(host) {}

  // The host's state is that of the checkpoint. Returns the journal; what was found is in meta()
  // and last(). Error::code is the exit code.
  Result<std::unique_ptr<Journal>> run(
      Lsn checkpoint_lsn, const std::function<void(const Replicator::Progress&)>& progress);

  const Meta& meta() const { return meta_; }
  Lsn last() const { return last_; }  // last record in state and journal together

  // Gives the host the records behind `from`, up to `to`.
  Status replay(Journal& journal, Lsn from, Lsn to,
                const std::function<void(const Replicator::Progress&)>& progress);

 private:
  Status load_own_meta();
  Error newer_data(const std::string& what) const;
  Status open_journal(std::unique_ptr<Journal>& journal);
  Error only_here(const std::string& why) const;
  Status set_journal_aside(const std::string& why);
  Status meet_checkpoint(Journal& journal, Lsn checkpoint_lsn);
  Status state_unusable(const std::string& why);
  void correct_history(Journal& journal);

  const Ports& ports_;
  const ReplicatorConfig& config_;
  ReplicatorHost& host_;
  Meta meta_;
  Lsn last_ = 0;
};

}  // namespace tandemq::repl
