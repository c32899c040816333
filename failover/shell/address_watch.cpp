#include "failover/shell/address_watch.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/base/exit_code.h"
#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

struct AddressRequest {
  nlmsghdr header;
  ifaddrmsg body;
  char attributes[64];
};

void add_attribute(AddressRequest& r, unsigned short type, const void* data, std::size_t size) {
  auto* at =
      reinterpret_cast<rtattr*>(reinterpret_cast<char*>(&r) + NLMSG_ALIGN(r.header.nlmsg_len));
  at->rta_type = type;
  at->rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
  std::memcpy(RTA_DATA(at), data, size);
  r.header.nlmsg_len = NLMSG_ALIGN(r.header.nlmsg_len) + RTA_ALIGN(at->rta_len);
}

}  // namespace

Result<std::unique_ptr<AddressWatch>> AddressWatch::open(event_base* base,
                                                         const std::string& interface,
                                                         const std::vector<std::string>& addresses,
                                                         Callbacks callbacks) {
  std::unique_ptr<AddressWatch> watch(new AddressWatch(interface, std::move(callbacks)));
  for (const std::string& text : addresses) {
    const Result<HostAddress> address = parse_address(text);
    if (!address) return address.error();
    watch->addresses_.push_back(*address);
  }
  watch->fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  own.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (!watch->fd_ ||
      bind(watch->fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) {
    return Error{std::string("cannot watch the network interfaces: ") + std::strerror(errno),
                 kExitEnvironment};
  }
  AddressWatch* raw = watch.get();
  watch->readable_ = std::make_unique<Readable>(base, watch->fd_.get(), [raw] { raw->read(); });
  watch->begin_dump();
  return watch;
}

// First the interfaces, then the addresses. It names what is there: what is not, was lost.
void AddressWatch::begin_dump() {
  dumping_ = Dump::interfaces;
  seen_ = found_ = again_ = false;
  request_dump(RTM_GETLINK);
}

void AddressWatch::end_dump() {
  if (again_) return begin_dump();
  if (std::exchange(dumping_, Dump::addresses) == Dump::interfaces) {
    if (!seen_) on_missing();
    return request_dump(RTM_GETADDR);
  }
  dumping_ = Dump::none;
  if (!found_) learn_address(false);
}

void AddressWatch::request_dump(int type) {
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtgenmsg));
  request.header.nlmsg_type = static_cast<unsigned short>(type);
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = dump_ = ++sequence_;
  request.body.rtgen_family = AF_UNSPEC;
  if (send(fd_.get(), &request, request.header.nlmsg_len, 0) < 0) give_up_dump();
}

// The next word of any change asks again.
void AddressWatch::give_up_dump() {
  dumping_ = Dump::none;
  again_ = true;
}

void AddressWatch::read() {
  alignas(nlmsghdr) char buffer[32768];
  if (again_ && dumping_ == Dump::none) begin_dump();
  for (;;) {
    const ssize_t size = recv(fd_.get(), buffer, sizeof(buffer), 0);
    if (size < 0 && errno == ENOBUFS) {  // notifications were lost: ask for all
      if (dumping_ == Dump::none) {
        begin_dump();
      } else {
        again_ = true;  // the one that runs may have named what has gone since
      }
      continue;
    }
    if (size <= 0) return;
    int left = static_cast<int>(size);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(m, static_cast<unsigned>(left));
         m = NLMSG_NEXT(m, left)) {
      on_message(m);
    }
  }
}

void AddressWatch::on_message(const nlmsghdr* m) {
  again_ |= m->nlmsg_seq == dump_ && (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
  switch (m->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return on_link(m);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return on_address(m);
    case NLMSG_DONE:
      if (m->nlmsg_seq == dump_) end_dump();
      return;
    case NLMSG_ERROR: {
      const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(m));
      const bool was_missing = error->error == -EADDRNOTAVAIL;
      if (error->error != 0 && m->nlmsg_seq == dump_) give_up_dump();
      if (error->error == 0 || was_missing) return;
      log(LogLevel::error, "netlink",
          {{"reason", std::strerror(-error->error)}, {"remedy", "the agent needs CAP_NET_ADMIN"}});
      return;
    }
    default:
      return;
  }
}

void AddressWatch::on_missing() {
  log(LogLevel::error, "interface_missing",
      {{"interface", interface_},
       {"reason", "this host has no such interface; this node cannot hold the address"},
       {"remedy", "correct vrrp.interface (`ip -br link` lists them) unless it comes later"}});
  if (!up_) return;
  up_ = false;
  callbacks_.interface(false);
}

void AddressWatch::on_link(const nlmsghdr* m) {
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(m));
  int left = static_cast<int>(IFLA_PAYLOAD(m));
  for (const rtattr* a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    if (a->rta_type != IFLA_IFNAME) continue;
    if (interface_ != static_cast<const char*>(RTA_DATA(a))) return;
  }
  seen_ = true;
  const bool known = index_ != 0;
  if (m->nlmsg_type == RTM_NEWLINK && std::exchange(index_, link->ifi_index) != link->ifi_index &&
      known) {
    callbacks_.replaced();
  }
  const bool up =
      m->nlmsg_type == RTM_NEWLINK && (link->ifi_flags & IFF_UP) && (link->ifi_flags & IFF_RUNNING);
  if (up == up_) return;
  up_ = up;
  callbacks_.interface(up);
}

void AddressWatch::on_address(const nlmsghdr* m) {
  const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(m));
  const HostAddress& first = addresses_.front();
  if (body->ifa_family != first.family) return;
  int left = static_cast<int>(IFA_PAYLOAD(m));
  bool ours = false;
  for (const rtattr* a = IFA_RTA(body); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    const bool is_address = a->rta_type == IFA_LOCAL || a->rta_type == IFA_ADDRESS;
    if (is_address && RTA_PAYLOAD(a) == first.size()) {
      ours |= std::memcmp(RTA_DATA(a), first.bytes, first.size()) == 0;
    }
  }
  const bool holds = m->nlmsg_type == RTM_NEWADDR;
  if (!ours) return;
  found_ = holds;
  learn_address(holds);
}

void AddressWatch::learn_address(bool holds) {
  if (holds == holds_) return;
  holds_ = holds;
  callbacks_.address(holds);
}

void AddressWatch::add() {
  for (const HostAddress& address : addresses_) change_one(address, true);
}
void AddressWatch::remove() {
  for (const HostAddress& address : addresses_) change_one(address, false);
}

void AddressWatch::change_one(const HostAddress& address, bool add) {
  AddressRequest request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
  request.header.nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  if (add) request.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
  if (add && address.family == AF_INET6) request.body.ifa_flags = IFA_F_NODAD;
  request.header.nlmsg_seq = ++sequence_;
  request.body.ifa_family = static_cast<unsigned char>(address.family);
  request.body.ifa_prefixlen = static_cast<unsigned char>(address.prefix);
  request.body.ifa_index = if_nametoindex(interface_.c_str());
  add_attribute(request, IFA_LOCAL, address.bytes, address.size());
  add_attribute(request, IFA_ADDRESS, address.bytes, address.size());
  if (send(fd_.get(), &request, request.header.nlmsg_len, 0) < 0) {
    log(LogLevel::error, "address_not_changed", {{"reason", std::strerror(errno)}});
  }
}

}  // namespace tandemq::failover
