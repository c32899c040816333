# The lab's networks and what can be cut in them. Sourced by lab.sh.
# Every port of a bridge is a veth whose other end is a host's interface: svc-a is a's eth0, rep-a its eth1.

# nsenter, not `ip netns exec`: that one remounts /sys, which hides the cgroups.
in_node() {
  local name=$1
  shift
  nsenter --net="/run/netns/tandemq-$name" -- "$@"
}

net_exists() { compgen -G "/run/netns/tandemq-*" >/dev/null; }

# Whether a process runs in one of the networks.
net_lives() {
  local name
  for name in lan a b client; do
    [ -z "$(ip netns pids "tandemq-$name" 2>/dev/null)" ] || return 0
  done
  return 1
}

port_of() {
  case $1 in service) echo "svc-$2" ;; replica) echo "rep-$2" ;; esac
}

# attach NODE INTERFACE BRIDGE ADDRESS [ADDRESS6]
attach() {
  local port
  port=$(port_of "$3" "$1")
  ip -n tandemq-lan link add "$port" type veth peer name "$2" netns "tandemq-$1"
  ip -n tandemq-lan link set "$port" master "$3" up
  ip -n "tandemq-$1" addr add "$4/24" dev "$2"
  ip -n "tandemq-$1" link set "$2" up
  [ -z "${5:-}" ] || ip -n "tandemq-$1" addr add "$5/64" dev "$2" nodad
}

# The last part of an address on the service network, when there is IPv6 at all.
address6() { [ "$ipv6" = no ] || echo "fd99::$1"; }

net_up() {
  local name
  [ -z "$(ip -4 -o route show 10.99.0.0/24)" ] ||
    die "up: this machine has a route to 10.99.0.0/24 already, the lab needs that network"
  for name in lan a b client; do
    ip netns add "tandemq-$name"
    ip -n "tandemq-$name" link set lo up
    # One address family keeps the traces readable; no duplicate address detection to wait for.
    [ "$ipv6" = yes ] ||
      in_node "$name" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null || true
  done
  for name in service replica; do
    ip -n tandemq-lan link add $name type bridge forward_delay 0 stp_state 0
    ip -n tandemq-lan link set $name up
  done
  attach a eth0 service 10.99.0.11 "$(address6 11)"
  attach b eth0 service 10.99.0.12 "$(address6 12)"
  attach client eth0 service 10.99.0.50 "$(address6 50)"
  attach a eth1 replica 10.98.0.11
  attach b eth1 replica 10.98.0.12
  ip link add tandemq-host type veth peer name svc-host netns tandemq-lan
  ip -n tandemq-lan link set svc-host master service up
  ip addr add 10.99.0.1/24 dev tandemq-host
  ip link set tandemq-host up
}

net_down() {
  local name
  ip link del tandemq-host 2>/dev/null || true
  for name in client b a lan; do
    [ ! -e "/run/netns/tandemq-$name" ] || ip netns del "tandemq-$name"
  done
}

filter() { in_node lan nft "$@"; }

cuts_table() {
  filter 'add table bridge cuts; add chain bridge cuts between { type filter hook forward priority 0; }'
}

# drop_between NETWORK FROM TO [WHICH]: all of it, or what matches WHICH as well.
drop_between() {
  cuts_table
  filter "add rule bridge cuts between iifname $(port_of "$1" "$2") oifname $(port_of "$1" "$3") \
    ${4:-} counter drop comment \"$1 $2 to $3\""
}

drop_vrrp() {
  cuts_table
  filter 'add rule bridge cuts between ether type ip ip protocol 112 counter drop comment "vrrp"'
}

# What the bridge sends to the nodes goes through a bucket of 20 kB; half a second of it may queue.
limit_rate() {
  local node
  for node in a b; do
    in_node lan tc qdisc replace dev "$(port_of "$1" $node)" root tbf rate "$2" burst 20k latency 500ms
  done
}

undo_limits() {
  local node network
  for node in a b; do
    for network in service replica; do
      in_node lan tc qdisc del dev "$(port_of $network $node)" root 2>/dev/null || true
    done
  done
}

undo_drops() { filter delete table bridge cuts 2>/dev/null || true; }

# cable NODE NETWORK up|down: the node sees its carrier come and go.
cable() { ip -n tandemq-lan link set "$(port_of "$2" "$1")" "$3"; }

# What is cut now, in words.
net_cuts() {
  local node network cuts
  cuts=$(filter list table bridge cuts 2>/dev/null | sed -n 's/.*comment "\(.*\)"/cut \1;/p' | xargs)
  for node in a b; do
    for network in service replica; do
      if ip -n tandemq-lan -o link show "$(port_of $network $node)" | grep -q 'state DOWN'; then
        cuts="$cuts cable of $node to $network out;"
      fi
    done
  done
  echo "${cuts:-nothing in the networks;}"
}

holds_address() {
  [ -n "$(ip -n "tandemq-$1" -4 -o addr show to "$virtual_ip" 2>/dev/null)" ]
}

forget_address() {
  ip -n "tandemq-$1" addr del "$virtual_ip6/64" dev eth0 2>/dev/null || true
  ip -n "tandemq-$1" addr del "$virtual_ip/24" dev eth0 2>/dev/null ||
    ip -n "tandemq-$1" addr del "$virtual_ip/32" dev eth0 2>/dev/null || true
}
