// Looks at this host for `tandemqctl doctor`: asks the daemons, reads settings, /proc and files,
// and calls the peer. Changes nothing, but for a file without a name with which the disk is timed.
#pragma once

#include <string>

#include "failover/doctor/facts.h"

namespace tandemq::failover {

struct Places {
  std::string agent_socket, broker_socket, agent_file, broker_file;
};

// Takes up to a few seconds.
doctor::Facts gather(const Places& places);

// Its parts.
void gather_processes(doctor::Facts& facts);
void gather_host(doctor::Facts& facts);
void gather_network(doctor::Facts& facts);  // facts.settings, the daemons' answers are there

}  // namespace tandemq::failover
