// Do the three daemons of this host run, and by what is on the disk?
#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

Finding agent_answers(const Facts& f) {
  if (is_single(f)) return unknown("a broker by itself needs no agent");
  if (f.agent.is_null()) return bad(f.agent_silent);
  return good(word(agent_of(f), "state") + ", " + word(agent_of(f), "version"));
}

Finding broker_answers(const Facts& f) {
  if (f.broker.is_null()) return bad(f.broker_silent);
  return good(word(f.broker, "role") + ", " + word(f.broker, "version"));
}

Finding broker_idle(const Facts& f) {
  if (f.broker.is_null()) return unknown("no broker answers");
  const std::string busy = word(f.broker, "busy");
  return busy.empty() ? good("answers at once") : note("it " + busy);
}

Finding keepalived_runs(const Facts& f) {
  if (is_single(f) || f.agent.is_null()) return unknown("no agent answers");
  const auto pid = count(agent_of(f), "keepalived_pid");
  if (pid == 0) return bad("the address cannot be on this node");
  return good("process " + std::to_string(pid));
}

Finding agent_settings(const Facts& f) {
  if (!f.settings_wrong) return unknown("there is no " + f.agent_file);
  return f.settings_wrong->empty() ? good(f.agent_file) : bad(*f.settings_wrong);
}

Finding broker_settings(const Facts& f) {
  if (!f.broker_check) return unknown("tandemqd could not be asked");
  if (f.broker_check->exit_code == 0) return good(f.broker_file);
  return bad(f.broker_check->text);
}

Finding is_current(const std::optional<Process>& process, const std::optional<File>& file) {
  if (!process || !file) return unknown("it does not run, or its settings are not there");
  // A file changed and a daemon started within the same second leave it open.
  if (file->changed_s > process->started_s + 1)
    return warning(file->path + " was changed after process " + std::to_string(process->pid) +
                   " began");
  return good("nothing was changed since its start");
}

Finding agent_current(const Facts& f) {
  return is_current(f.agent_process, f.agent_settings);
}
Finding broker_current(const Facts& f) {
  return is_current(f.broker_process, f.broker_settings);
}
Finding keepalived_current(const Facts& f) {
  return is_current(f.keepalived_process, f.keepalived_settings);
}
Finding secret_current(const Facts& f) {
  return is_current(f.agent_process, f.secret);
}

Finding programs_current(const Facts& f) {
  std::string old;
  if (f.broker_process && f.broker_process->replaced) old += " tandemqd";
  if (f.agent_process && f.agent_process->replaced) old += " tandemq-agent";
  if (!f.broker_process && !f.agent_process) return unknown("no daemon's process was seen");
  return old.empty() ? good("what runs is what is installed")
                     : warning("replaced on the disk since it began:" + old);
}

Finding units_enabled(const Facts& f) {
  if (!f.units) return unknown("not installed under systemd");
  std::string off;
  for (const char* unit : {"tandemqd", "tandemq-agent", "keepalived"}) {
    if (is_single(f) && std::string(unit) != "tandemqd") continue;
    if (word(*f.units, unit) != "enabled") off += std::string(" ") + unit;
  }
  return off.empty() ? good("all begin with the host") : warning("not at boot:" + off);
}

Finding no_other_broker(const Facts& f) {
  if (!f.units) return unknown("not installed under systemd");
  if (word(*f.units, "mosquitto") == "enabled")
    return warning("mosquitto begins with the host too, and may take the port first");
  return good("mosquitto does not begin with the host");
}

constexpr Check kOfDaemons[] = {
    {"agent-answers", "does the agent answer?", "journalctl -u tandemq-agent; systemctl start it",
     &agent_answers},
    {"broker-answers", "does the broker answer?", "journalctl -u tandemqd; systemctl start it",
     &broker_answers},
    {"broker-idle", "is the broker about to stand still for long work?", "wait until it is done",
     &broker_idle},
    {"keepalived-runs", "does keepalived run?",
     "systemctl start keepalived; journalctl -u keepalived", &keepalived_runs},
    {"agent-settings", "can agent.toml be read?",
     "correct what it names; tandemq-agent --check says the same", &agent_settings},
    {"broker-settings", "would the broker start with its settings?",
     "correct what it names; tandemqd --check says the same", &broker_settings},
    {"agent-current", "does the agent run with agent.toml as it is now?",
     "systemctl restart tandemq-agent", &agent_current},
    {"broker-current", "does the broker run with its settings as they are now?",
     "tandemqctl step-aside && systemctl restart tandemqd", &broker_current},
    {"keepalived-current", "does keepalived run with keepalived.conf as it is now?",
     "systemctl restart keepalived, on the standby first", &keepalived_current},
    {"secret-current", "does the agent run with the secret as it is now?",
     "systemctl restart tandemq-agent, on both nodes", &secret_current},
    {"programs-current", "do the installed programs run?",
     "tandemqctl step-aside && systemctl restart tandemqd tandemq-agent", &programs_current},
    {"units-enabled", "do the daemons begin with the host?",
     "systemctl enable tandemqd tandemq-agent keepalived", &units_enabled},
    {"no-other-broker", "is the port free at the next boot?",
     "systemctl disable --now mosquitto, or another port for it", &no_other_broker},
};

}  // namespace

const std::span<const Check> kDaemonChecks = kOfDaemons;

}  // namespace tandemq::doctor
