#!/bin/bash
# A pair of hosts, a client and two networks in network namespaces of this machine: `lab.sh help`.
#
#   host 10.99.0.1 --+   service network 10.99.0.0/24, virtual address 10.99.0.100   +-- client .50
#                    +---- bridge "service" in tandemq-lan ---------------------------+
#                          | eth0 .11                              | eth0 .12
#                       tandemq-a                               tandemq-b
#                          | eth1 10.98.0.11                       | eth1 10.98.0.12
#                          +---- bridge "replica" in tandemq-lan --+
set -euo pipefail
self=$(readlink -f "$0")
here=$(dirname "$self")
root=$(readlink -f "$here/../..")
lab=$root/build/lab
PYTHON=${PYTHON:-/usr/bin/python3}
virtual_ip=10.99.0.100
virtual_ip6=fd99::100
# shellcheck source=lab/net.sh
. "$here/lab/net.sh"
# shellcheck source=lab/nodes.sh
. "$here/lab/nodes.sh"

usage() {
  cat <<'TEXT'
./run lab COMMAND   (as root)
  up [OPTIONS]       two nodes, each with broker, agent and keepalived; returns when they are paired
     --advert S      VRRP advert interval in seconds (0.1)
     --authority P   who may let a node go on alone: timeout (default) or manual
     --commit R      replicated (default) or replicated+synced
     --prefix DIR    folder of the programs to run (build/release/bin)
     --plain         no TLS on the link between the brokers; also with LAB_LINK=plain in the environment
     --ipv6          fd99::100 is a second virtual address, for IPv6 on the service network
     --restart       start a daemon that died again, as systemd would (else it stays dead until heal)
     --disk SIZE     the nodes' data on a file system of its own of that size (for example 300m)
     --device SIZE   the same as ext4 on a loop device, the agent's history on it as well: it can hang
     --fronts FILE   more listeners of both brokers, as [[listener]] in their configuration
     --set F:S.K=V   one more setting, for example agent:failover.damping_ms=500
     --no-wait       return at once
  down [--keep]      end all of it; --keep leaves build/lab with data and logs
  status             both nodes as tandemqctl sees them, the holder of the address, what is broken
  exec NODE CMD      run CMD in the network of a, b, client or lan; tandemqctl speaks to that node
  kill NODE WHAT     kill -9 broker, agent, keepalived, all (the three), or host (power off)
  hang NODE WHAT     SIGSTOP broker, agent or keepalived; or host (all of it, its cables stay in), or
                     disk (every write to it waits; needs lab up --device)
  start NODE WHAT    start a dead broker, agent, keepalived or all
  plug NODE          put the node's cables back in
  cut link [F T]     the replication network drops everything between the nodes, or from F to T
  cut lan NODE       the node's cable to the service network is out
  cut vrrp           VRRP (protocol 112) is dropped between the nodes
  cut oneway F T     nothing gets from node F to node T, on both networks
  cut all            nothing gets from node to node, on both networks; clients see both
  cut node NODE      the node freezes and its cables are out (heal thaws it where it was)
  cut disk NODE      the node's disk is full (needs lab up --disk)
  lose NETWORK N     N percent of what goes between the nodes on service or replica is lost
  slow NETWORK RATE  the nodes' ports on service or replica send RATE (4mbit) and queue the rest
  heal [--no-wait]   undo all of that, start what is dead, wait until the pair is paired
  wait [S]           wait until the pair is paired, at most S seconds (30)
The virtual address is 10.99.0.100, port 1883; files are in build/lab/a and build/lab/b.
TEXT
}

die() {
  echo "lab: $*" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || die "network namespaces need root (sudo ./run lab ...)"
}

is_up() { net_exists; }
need_up() {
  is_up || die "not up (./run lab up)"
  [ -e "$lab/options" ] || die "up, but from another checkout: there is no $lab/options"
  # shellcheck disable=SC1091
  . "$lab/options"
}

need_node() {
  case ${1:-} in a | b) ;; *) die "which node? a or b, not \"${1:-}\"" ;; esac
}

need_network() {
  case ${1:-} in service | replica) ;; *) die "which network? service or replica, not \"${1:-}\"" ;; esac
}

need_daemon() {
  case " $daemons ${2:-} " in
    *" ${1:-none} "*) ;;
    *) die "no daemon \"${1:-}\"; there are: $daemons ${2:-}" ;;
  esac
}

parse_up() {
  advert=0.1 authority=timeout commit=replicated prefix=$root/build/release/bin
  restart=no ipv6=no plain=no disk="" device="" fronts="" settings=() wait_after_up=yes
  [ "${LAB_LINK:-tls}" = tls ] || plain=yes
  while [ $# -gt 0 ]; do
    case $1 in
      --plain) plain=yes; shift; continue ;;
      --restart) restart=yes; shift; continue ;;
      --ipv6) ipv6=yes; shift; continue ;;
      --no-wait) wait_after_up=no; shift; continue ;;
    esac
    [ $# -ge 2 ] || die "up: $1 needs a value"
    case $1 in
      --advert) advert=$2 ;;
      --authority) authority=$2 ;;
      --commit) commit=$2 ;;
      --prefix) prefix=$(readlink -f "$2") || die "up: no folder $2" ;;
      --disk) disk=$2 ;;
      --device) device=$2 ;;
      --fronts) fronts=$(readlink -e "$2") || die "up: no file $2" ;;
      --set) settings+=("$2") ;;
      *) die "up: no option \"$1\" (./run lab help)" ;;
    esac
    shift 2
  done
  local program
  for program in tandemqd tandemq-agent; do
    [ -x "$prefix/$program" ] || die "up: no $prefix/$program (./run build, or --prefix DIR)"
  done
  [ ${#lab} -le 85 ] || die "up: $lab is too long a path for the control sockets in it (85 at most)"
}

up() {
  need_root
  ! net_lives || die "already up (./run lab status, ./run lab down)"
  ! is_up || tear_down   # what a run that was killed left: names of networks in which nothing runs
  parse_up "$@"
  rm -rf "$lab"
  mkdir -p "$lab"
  printf 'prefix=%q\nrestart=%q\ndisk=%q\ndevice=%q\n' "$prefix" "$restart" "$disk" "$device" \
    >"$lab/options"   # for later commands
  trap 'echo "lab: up failed; taken down again, logs are in $lab" >&2; tear_down' EXIT
  net_up
  nodes_up
  trap - EXIT
  [ $wait_after_up = no ] || wait_paired 10
}

tear_down() {
  nodes_down
  net_down
}

down() {
  need_root
  tear_down
  [ "${1:-}" = --keep ] || rm -rf "$lab"
}

wait_paired() {
  "$PYTHON" "$here/lab/pair.py" "$lab" wait "${1:-30}"
}

status() {
  need_root
  need_up
  local node
  for node in a b; do
    echo "== node $node: $(node_daemons $node)$(holds_address $node && echo ", has $virtual_ip" || true)"
    in_node $node timeout 3 "$prefix/tandemqctl" $(ctl_options $node) status || true
  done
  echo "== broken: $(net_cuts)$(node_faults)"
}

# exec NODE CMD...: in its network; tandemqctl is pointed at the node's own agent.
exec_in() {
  need_root
  need_up
  local node=${1:-}
  shift || true
  [ $# -gt 0 ] || die "exec: NODE CMD"
  case $node in
    a | b | client | lan) ;;
    *) die "exec: no node \"$node\"; there are a, b, client, lan" ;;
  esac
  if [ "$1" = tandemqctl ]; then
    need_node "$node"
    shift
    [ "${1:-}" != doctor ] || set -- "$@" --agent-config "$lab/$node/agent.toml" --broker-config "$lab/$node/broker.toml"
    set -- tandemqctl $(ctl_options "$node") "$@"
  fi
  PATH=$prefix:$PATH in_node "$node" "$@"
}

cut() {
  need_root
  need_up
  case ${1:-} in
    link) if [ $# -eq 3 ]; then
        need_node "$2"; need_node "$3"
        drop_between replica "$2" "$3"
      else
        drop_between replica a b; drop_between replica b a
      fi ;;
    all) local network
      for network in service replica; do
        drop_between $network a b
        drop_between $network b a
      done ;;
    oneway) need_node "${2:-}"; need_node "${3:-}"
      drop_between service "$2" "$3"
      drop_between replica "$2" "$3" ;;
    vrrp) drop_vrrp ;;
    lan) need_node "${2:-}"; cable "$2" service down ;;
    node) need_node "${2:-}"
      freeze "$2" 1
      cable "$2" service down
      cable "$2" replica down ;;
    disk) need_node "${2:-}"
      [ -n "$disk" ] || die "cut disk: the lab was brought up without --disk SIZE"
      fill_disk "$2" ;;
    *) die "cut: link, lan NODE, vrrp, oneway FROM TO, all, node NODE, or disk NODE" ;;
  esac
}

lose() {
  need_root
  need_up
  need_network "${1:-}"
  drop_between "$1" a b "numgen random mod 100 < ${2:-10}"
  drop_between "$1" b a "numgen random mod 100 < ${2:-10}"
}

slow_down() {
  need_root
  need_up
  need_network "${1:-}"
  limit_rate "$1" "${2:-4mbit}"
}

plug() {
  need_root
  need_up
  need_node "${1:-}"
  cable "$1" service up
  cable "$1" replica up
}

heal() {
  need_root
  need_up
  local node
  undo_drops
  undo_limits
  for node in a b; do
    freeze $node 0
    hang_disk $node no
    continue_node $node
    plug $node
    rm -f "$lab/$node/data/filler"
    start_dead $node
  done
  [ "${1:-}" = --no-wait ] || wait_whole
}

# Until the pair is paired, starting what dies on the way, as systemd would.
wait_whole() {
  local node turn
  for turn in $(seq 30); do
    if wait_paired 1 2>/dev/null; then return 0; fi
    for node in a b; do start_dead $node; done
  done
  wait_paired 0.1
}

kill_command() {
  need_root
  need_up
  need_node "${1:-}"
  need_daemon "${2:-}" "all host"
  case $2 in
    all) kill_all "$1" ;;
    host)
      freeze "$1" 1   # all at one instant: nobody there sees the cables go
      cable "$1" service down
      cable "$1" replica down
      kill_all "$1"
      forget_address "$1" ;;   # a kernel that lost power holds no address
    *) kill_daemon "$1" "$2" KILL ;;
  esac
}

hang_command() {
  need_root
  need_up
  need_node "${1:-}"
  need_daemon "${2:-}" "host disk"
  case $2 in
    host) freeze "$1" 1 ;;
    disk)
      [ -n "$device" ] || die "hang disk: the lab was brought up without --device SIZE"
      hang_disk "$1" yes ;;
    *) kill_daemon "$1" "$2" STOP ;;
  esac
}

start_command() {
  need_root
  need_up
  need_node "${1:-}"
  need_daemon "${2:-}" all
  if [ "$2" = all ]; then start_dead "$1"; else start_daemon "$1" "$2"; fi
}

command=${1:-help}
shift || true
case $command in
  up) up "$@" ;;
  down) down "$@" ;;
  status) status ;;
  exec) exec_in "$@" ;;
  kill) kill_command "$@" ;;
  hang) hang_command "$@" ;;
  start) start_command "$@" ;;
  plug) plug "$@" ;;
  cut) cut "$@" ;;
  lose) lose "$@" ;;
  slow) slow_down "$@" ;;
  heal) heal "$@" ;;
  wait) need_up; wait_paired "$@" ;;
  --supervise) need_up; supervise "$@" ;;
  help | -h | --help) usage ;;
  *) die "no command \"$command\" (./run lab help)" ;;
esac
