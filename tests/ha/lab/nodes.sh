# The daemons of the lab's nodes: configuration, start, death. Sourced by lab.sh.
# Each node's processes are in a cgroup of their own, so that killing or freezing it takes all of them.
daemons="broker agent keepalived"

# Named for the lab's own network namespace: cgroups are the machine's, and another lab in another namespace
# must not kill or freeze the nodes of this one.
cgroup_root() {
  local mount
  mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$mount" ] || die "no cgroup v2 file system is mounted"
  echo "$mount/tandemq-lab-$(stat -L -c %i /run/netns/tandemq-lan 2>/dev/null || true)"
}
cgroup_of() { echo "$(cgroup_root)/$1"; }

write_configs() {
  local node=$1 dir=$lab/$1 index=1 own=11 peer=b other=12 history=$lab/$1/agent
  local listen=0.0.0.0 addresses="\"$virtual_ip/24\""
  [ "$ipv6" = no ] || listen=:: addresses="\"$virtual_ip6/64\", $addresses"
  [ -z "$device" ] || history=$dir/data/agent
  if [ "$node" = b ]; then index=2 own=12 peer=a other=11; fi
  local link="certfile = \"$lab/pki/$node.pem\""$'\n'"cafile = \"$lab/pki/ca.pem\""
  [ "$plain" = no ] || link="allow_plain = true"
  local front="[listener]"
  [ -z "$fronts" ] || front="[[listener]]"
  cat >"$dir/broker.toml" <<TOML
[node]
name = "$node"
index = $index
data_dir = "$dir/data"
control_socket = "$dir/broker.sock"
$front
address = "$listen"
port = 1883
allow_anonymous = true
[replication]
mode = "pair"
pair_id = "lab"
peer = "$peer"
listen = "10.98.0.$own:7883"
peer_address = "10.98.0.$other:7883"
commit = "$commit"
$link
[metrics]
listen = "0.0.0.0:9883"
[log]
level = "info"
target = "stderr"
TOML
  [ -z "$fronts" ] || cat "$fronts" >>"$dir/broker.toml"
  cat >"$dir/agent.toml" <<TOML
[node]
name = "$node"
index = $index
control_socket = "$dir/agent.sock"
state_dir = "$history"
run_dir = "$dir/run"
[broker]
control_socket = "$dir/broker.sock"
[peer]
name = "$peer"
listen = ["10.99.0.$own:7884", "10.98.0.$own:7884"]
addresses = ["10.99.0.$other:7884", "10.98.0.$other:7884"]
secret_file = "$lab/pair.secret"
[failover]
authority = "$authority"
[vrrp]
interface = "eth0"
router_id = 51
advert_int = $advert
addresses = [$addresses]
unicast_source = "10.99.0.$own"
unicast_peers = ["10.99.0.$other"]
keepalived_conf = "$dir/keepalived.conf"
keepalived_pid_file = "$dir/keepalived.pid"
[metrics]
listen = "0.0.0.0:9884"
[log]
level = "info"
target = "stderr"
TOML
  local setting
  for setting in "${settings[@]}"; do
    "$PYTHON" "$here/lab/set_toml.py" "$dir" "$setting"
  done
}

# Certificates for the link; a build of some programs alone has no tandemqctl.
make_certificates() {
  local ctl=$prefix/tandemqctl node
  [ -x "$ctl" ] || ctl=$root/build/release/bin/tandemqctl
  "$ctl" pki init --pair lab "$lab/pki" >/dev/null
  for node in a b; do "$ctl" pki issue --node $node "$lab/pki" >/dev/null; done
}

nodes_up() {
  local node
  (umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$lab/pair.secret")
  [ "$plain" = yes ] || make_certificates
  for node in a b; do
    mkdir -p "$lab/$node/data" "$lab/$node/agent" "$lab/$node/run"
    [ -z "$disk" ] || mount -t tmpfs -o "size=$disk" tandemq-lab "$lab/$node/data"
    [ -z "$device" ] || mount_device "$node"
    write_configs $node
    "$prefix/tandemq-agent" -c "$lab/$node/agent.toml" --print-keepalived \
      >"$lab/$node/keepalived.conf"
    mkdir -p "$(cgroup_of $node)"
  done
  for node in a b; do start_dead $node; done
}

# Becomes the daemon. Its exec keeps the process id that the caller wrote down.
become() {
  local node=$1 daemon=$2 dir=$lab/$1 programs=$prefix
  cd "$dir"
  # A node may run another release than its peer.
  [ ! -e programs ] || programs=$(<programs)
  case $daemon in
    broker) set -- "$programs/tandemqd" -c "$dir/broker.toml" ;;
    agent) set -- "$programs/tandemq-agent" -c "$dir/agent.toml" ;;
    keepalived)
      set -- keepalived --dont-fork --log-console --dump-conf --use-file "$dir/keepalived.conf" \
        --pid "$dir/keepalived.pid" --vrrp_pid "$dir/keepalived-vrrp.pid" \
        --checkers_pid "$dir/keepalived-checkers.pid" ;;
  esac
  # What a test sets for this daemon, for example a preloaded library.
  if [ -e "$dir/$daemon.env" ]; then
    set -a
    # shellcheck disable=SC1090
    . "$dir/$daemon.env"
    set +a
  fi
  # A node stands for a host of its own: other work on this machine must not make it look hung. The
  # agent's priority is that of its systemd unit.
  local scheduled=(nice -n -10)
  if [ "$daemon" = agent ] && chrt --rr 5 true 2>/dev/null; then scheduled=(chrt --rr 5); fi
  exec nsenter --net="/run/netns/tandemq-$node" -- "${scheduled[@]}" "$@" \
    >>"$dir/$daemon.log" 2>&1 </dev/null
}

# keepalived refuses to start while its pid files name a process that lives.
forget_pids() {
  rm -f "$lab/$1/$2.pid"
  [ "$2" != keepalived ] || rm -f "$lab/$1/keepalived-vrrp.pid"
}

# Starts one daemon (or the shell that keeps it alive) detached, in the node's cgroup.
start_daemon() {
  local node=$1 daemon=$2 dir=$lab/$1
  ! alive "$node" "$daemon" || return 0
  forget_pids "$node" "$daemon"
  (
    echo $BASHPID >"$(cgroup_of "$node")/cgroup.procs"
    if [ "$restart" = yes ]; then
      exec setsid "$self" --supervise "$node" "$daemon" </dev/null >>"$dir/$daemon.log" 2>&1
    fi
    # keepalived writes its own pid file, and refuses to start when it finds one with its number.
    [ "$daemon" = keepalived ] || echo $BASHPID >"$dir/$daemon.pid"
    become "$node" "$daemon"
  ) &
  disown $!
}

# What systemd does with Restart=always and its pause of 100 ms.
supervise() {
  local node=$1 daemon=$2 dir=$lab/$1 child
  echo $$ >"$dir/$daemon.supervisor"
  while true; do
    (
      [ "$daemon" = keepalived ] || echo $BASHPID >"$dir/$daemon.pid"
      become "$node" "$daemon"
    ) &
    child=$!
    wait $child || true
    echo "lab: $daemon ended, starting it again in 100 ms" >>"$dir/$daemon.log"
    sleep 0.1
    forget_pids "$node" "$daemon"
  done
}

process_lives() {
  local pid=$1 state
  [ -n "$pid" ] || return 1
  state=$(awk '/^State:/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || return 1
  [ -n "$state" ] && [ "$state" != Z ]
}

# pid_of NODE DAEMON [KIND]: as its file says, while that process is one of the node's: a busy machine soon gives
# the number of a dead one to a stranger.
pid_of() {
  local pid
  pid=$(cat "$lab/$1/$2.${3:-pid}" 2>/dev/null) || return 0
  ! grep -qs "/$(basename "$(cgroup_root)")/$1\$" "/proc/$pid/cgroup" || echo "$pid"
}

alive() {
  process_lives "$(pid_of "$1" "$2")" && return 0
  [ "$restart" = yes ] && process_lives "$(pid_of "$1" "$2" supervisor)"
}

start_dead() {
  local daemon
  for daemon in $daemons; do start_daemon "$1" "$daemon"; done
}

# kill_daemon NODE DAEMON SIGNAL. keepalived is two processes, and the parent would start the other anew.
kill_daemon() {
  local pid children
  pid=$(pid_of "$1" "$2")
  process_lives "$pid" || die "$2 of node $1 is not running"
  children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)
  kill "-$3" $pid
  [ "$2" != keepalived ] || [ -z "$children" ] || kill "-$3" $children 2>/dev/null || true
}

kill_all() {
  local group
  group=$(cgroup_of "$1")
  [ -d "$group" ] || return 0
  echo 1 >"$group/cgroup.kill"
  echo 0 >"$group/cgroup.freeze"
  while grep -q 'populated 1' "$group/cgroup.events"; do sleep 0.02; done
}

# Every byte that is left, so that the next write of the broker fails.
fill_disk() { dd if=/dev/zero of="$lab/$1/data/filler" bs=64k 2>/dev/null || true; }

mount_device() {
  truncate -s "$device" "$lab/$1/disk.img"
  mkfs.ext4 -q -F "$lab/$1/disk.img"
  mount -o loop "$lab/$1/disk.img" "$lab/$1/data"
  mkdir "$lab/$1/data/agent"
}

# A disk that stands still: whoever writes sleeps uninterruptibly, SIGKILL does not end him.
hang_disk() {
  [ -n "${device:-}" ] || return 0
  case $2 in
    yes) fsfreeze -f "$lab/$1/data" ;;
    no) fsfreeze -u "$lab/$1/data" 2>/dev/null || true ;;
  esac
}

freeze() { echo "$2" >"$(cgroup_of "$1")/cgroup.freeze"; }

# Wakes what `hang` stopped.
continue_node() {
  local pid
  while read -r pid; do kill -CONT "$pid" 2>/dev/null || true; done \
    <"$(cgroup_of "$1")/cgroup.procs"
}

nodes_down() {
  local node group
  for node in a b; do
    ! mountpoint -q "$lab/$node/data" || fsfreeze -u "$lab/$node/data" 2>/dev/null || true
    kill_all $node
    group=$(cgroup_of $node)
    [ ! -d "$group" ] || rmdir "$group"
    ! mountpoint -q "$lab/$node/data" || umount "$lab/$node/data"
  done
  [ ! -d "$(cgroup_root)" ] || rmdir "$(cgroup_root)"
}

# The state of each daemon in words.
node_daemons() {
  local daemon pid words=""
  for daemon in $daemons; do
    pid=$(pid_of "$1" "$daemon")
    if ! process_lives "$pid"; then
      words="$words, $daemon dead"
    elif grep -q '^State:.*T' "/proc/$pid/status"; then
      words="$words, $daemon $pid stopped"
    else
      words="$words, $daemon $pid"
    fi
  done
  echo "${words#, }"
}

node_faults() {
  local node
  for node in a b; do
    if grep -q 'frozen 1' "$(cgroup_of $node)/cgroup.events"; then printf ' node %s is frozen;' $node; fi
  done
}

ctl_options() { echo "--socket $lab/$1/agent.sock --broker-socket $lab/$1/broker.sock"; }
