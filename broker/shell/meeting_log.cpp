#include "broker/shell/meeting_log.h"

#include "broker/support/log.h"

namespace tandemq::broker {

void MeetingLog::look(const std::string& peer_name, const repl::Meeting& meeting) {
  const bool met = !meeting.peer_software.empty() && meeting.refused.empty();
  if (met && (meeting.peer_software != told_.peer_software || meeting.agreed != told_.agreed)) {
    log(LogLevel::notice, "peer_met",
        {{"peer", peer_name},
         {"peer_version", meeting.peer_software},
         {"version", TANDEMQ_VERSION},
         {"agreed", repl::to_text(meeting.agreed)}});
  }
  if (!meeting.refused.empty() && meeting.refused != told_.refused) {
    log(LogLevel::warning, "peer_refused", {{"peer", peer_name}, {"reason", meeting.refused}});
  }
  if (!meeting.differences.empty() && meeting.differences != told_.differences) {
    log(LogLevel::warning, "settings_differ",
        {{"peer", peer_name},
         {"reason", repl::to_text(meeting.differences)},
         {"remedy", "make them equal in tandemqd.toml of both nodes"}});
  }
  told_ = meeting;
}

}  // namespace tandemq::broker
