// Start and end of a node.
#include <event2/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "broker/base/check.h"
#include "broker/net/priorities.h"
#include "broker/shell/expiry.h"
#include "broker/shell/first_words.h"
#include "broker/shell/node.h"
#include "broker/shell/secret_files.h"
#include "broker/shell/versions.h"
#include "broker/support/address_check.h"
#include "broker/support/descriptors.h"
#include "broker/support/log.h"
#include "broker/support/pid_file.h"
#include "broker/support/random.h"
#include "broker/support/service_notify.h"
#include "replicator/shell/open_replicator.h"

namespace tandemq::broker {
namespace {

event_base* make_base() {
  event_base* base = event_base_new();
  TMQ_CHECK(base != nullptr && event_base_priority_init(base, net::kPriorities) == 0);
  return base;
}

void log_replicator(const char* level, const char* event, const std::string& reason) {
  // Changes of its state come to status_changed too, which logs what was before as well.
  if (std::string_view(event) == "replica") return;
  const std::string_view name = level;
  log(name == "error"     ? LogLevel::error
      : name == "warning" ? LogLevel::warning
      : name == "notice"  ? LogLevel::notice
                          : LogLevel::info,
      event, {{"reason", reason}});
}

// For the journal, the link, the agent and whoever asks for metrics: clients must not take these.
constexpr std::uint32_t kOwnFiles = 128;

// One descriptor a client: takes all that the host grants, and returns how many clients it is for.
std::uint64_t clients_of_file_limit(std::uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= wanted + kOwnFiles) return wanted;
  const std::uint64_t granted = limit.rlim_max;
  const std::uint64_t clients = granted > 2 * kOwnFiles ? granted - kOwnFiles : granted / 2;
  log(LogLevel::warning, "few_descriptors",
      {{"granted", granted},
       {"connections_max", clients},
       {"reason", "the limit of open files does not suffice for listener.connections_max"},
       {"remedy",
        "raise LimitNOFILE of the service (ulimit -n) to " + std::to_string(wanted + kOwnFiles)}});
  return clients;
}

// Where the host grants less than all listeners may have, each gets its share of that.
Config fitted_to_host(Config config) {
  std::uint64_t wanted = 0;
  for (const ListenerSection& one : config.listeners) wanted += one.connections_max;
  const std::uint64_t granted = clients_of_file_limit(wanted);
  std::uint64_t descriptors = kOwnFiles;
  for (ListenerSection& one : config.listeners) {
    const std::uint64_t share = one.connections_max * granted / wanted;
    one.connections_max = static_cast<std::uint32_t>(std::max<std::uint64_t>(share, 1));
    descriptors += one.connections_max;
  }
  reserve_descriptors(descriptors);
  return config;
}

std::vector<Entrance> entrances_of(const std::vector<ListenerSection>& listeners) {
  std::vector<Entrance> entrances;
  const bool some_prove =
      std::any_of(listeners.begin(), listeners.end(),
                  [](const ListenerSection& one) { return one.proves_names(); });
  for (const ListenerSection& one : listeners) {
    Entrance& entrance = entrances.emplace_back();
    entrance.name = one.name;
    entrance.connections_max = one.connections_max;
    entrance.names_unproven = some_prove && !one.access.checks_logins();
    entrance.username_as_client_id = one.access.use_username_as_clientid;
    entrance.behind_proxy = one.proxy.on();
  }
  return entrances;
}

void tell_shut_door(const ListenerSection& listener) {
  log(LogLevel::warning, "listener_shut",
      {{"listener", listener.name},
       {"address", listener.where()},
       {"reason", "no client can log in there: no passwords, and anonymous clients are refused"},
       {"remedy", listener.line_to_open()}});
}

}  // namespace

Node::Node(Config config)
    : config_(fitted_to_host(std::move(config))),
      base_(make_base()),
      state_(random_number()),
      images_(config_, state_, *this),
      access_(std::make_unique<Access>(base_, config_.listeners, &state_.accounts())),
      fronts_(std::make_unique<net::Fronts>(
          net::Fronts::Around{base_, [this] { turn_.begin(clock_); },
                              [this] { return pair_time(); }, config_.tls.ticket_secret_file},
          fronts_of(config_.listeners))),
      link_tls_(link_tls_of(config_)),
      clients_({config_.limits, config_.connections, clock_, turn_, *access_,
                [this] { event_base_loopbreak(base_); }},
               entrances_of(config_.listeners)),
      account_orders_(*access_, clients_, state_, effects_),
      memory_(config_.connections.memory_max, clients_),
      admission_(config_.connections.connects_per_s,
                 [this](std::size_t entrance, std::unique_ptr<net::Transport> transport) {
                   transport = fronts_->put_before(entrance, std::move(transport));
                   return transport && clients_.accept(entrance, std::move(transport));
                 }),
      listeners_([this](std::size_t entrance, std::unique_ptr<net::Transport> transport) {
        admit(entrance, std::move(transport));
      }),
      started_ns_(monotonic_ns()),
      status_log_(started_ns_),
      commit_(turn_, status_log_) {}

Node::~Node() {
  for (struct event* added : added_) event_del(added);
  admission_.clear();
  clients_.end_reign(mqtt::Reason::server_shutting_down);
  control_.reset();
  engine_.reset();
  images_.close();
  replicator_.reset();
  listeners_.clear();
  clients_.close_all();
  fronts_.reset();
  access_.reset();
  if (!config_.node.pid_file.empty() && replicator_started_) unlink(config_.node.pid_file.c_str());
  event_base_free(base_);
}

Status Node::start() {
  signal(SIGPIPE, SIG_IGN);
  // Until the loop listens: a recovery must not end by SIGHUP. Told to stop it ends at once, in
  // good order: it has promised nothing yet, and its files bear an end at any moment.
  signal(SIGHUP, SIG_IGN);
  for (const int number : {SIGTERM, SIGINT}) signal(number, [](int) { _exit(0); });
  Status done = data_dir_.open(config_.node.data_dir);
  if (done) done = access_->reload();
  if (done) done = hide_names(config_, *access_);
  if (done) done = fronts_->load();
  if (done) done = link_tls_.load();
  if (done) done = open_sockets();
  if (done) done = write_pid_file(config_.node.pid_file);
  if (done) done = open_storage();
  if (done) done = open_control();
  if (!done) return done;
  replicator_started_ = true;
  add_timers();
  log(LogLevel::notice, "started",
      {{"version", TANDEMQ_VERSION},
       {"node", config_.node.name},
       {"mode", config_.replication.single ? "single" : "pair"},
       {"pid", getpid()}});
  tell_expiry(uses_of(*fronts_, link_tls_));
  tell_doubts();
  if (state_.meta().lsn == 0)
    log(LogLevel::notice, "first_start", {{"text", first_words(config_)}});
  return replicator_->start();
}

Status Node::open_sockets() {
  for (const ListenerSection& one : config_.listeners) {
    Status bound = listeners_.bind(base_, {"listener", one.address, one.port, one.socket});
    if (!bound) return bound;
    if (!one.is_unix()) tell_missing_address(one.address, "listener.address");
    if (one.is_shut()) tell_shut_door(one);
  }
  if (!config_.replication.single) {
    tell_missing_address(config_.replication.listen_address, "replication.listen");
  }
  Result<std::unique_ptr<RecoveryDoor>> door = RecoveryDoor::open(config_.node.control_socket);
  if (!door) return door.error();
  door_ = std::move(door).value();
  if (config_.metrics.listen.empty()) return Done{};
  Result<std::unique_ptr<Metrics>> metrics = Metrics::serve(config_.metrics.listen);
  if (!metrics) return metrics.error();
  metrics_ = std::move(metrics).value();
  return Done{};
}

void Node::tell_doubts() const {
  for (const auto& doubts : {access_->doubts(), doubts_about_modes(config_)}) {
    for (const std::string& doubt : doubts) {
      log(LogLevel::warning, "configuration_doubt", {{"reason", doubt}});
    }
  }
}

// From now on there is a state to be asked about.
Status Node::open_control() {
  door_.reset();
  Result<std::unique_ptr<Control>> control =
      Control::open(base_, config_.node.control_socket, *this);
  if (!control) return control.error();
  control_ = std::move(control).value();
  return Done{};
}

void Node::tell_recovery(const std::string& doing) {
  door_->tell(doing);
  notify_extend_start(30);
  notify_status("recovery: " + doing);
}

// Recovery: the checkpoint, then the journal after it, through the same State.
Status Node::open_storage() {
  data_dir_.remove_leftovers();
  Status loaded = images_.load([this](const CheckpointProgress& p) {
    tell_recovery("reads its checkpoint, " + std::to_string(p.rows_done) + " of " +
                  std::to_string(p.rows_total) + " rows");
    log(LogLevel::notice, "recovery",
        {{"rows_loaded", p.rows_done}, {"rows", p.rows_total}, {"seconds", p.seconds}});
  });
  if (!loaded) return loaded;
  const Lsn from = state_.meta().lsn;
  tell_recovery("reads its journal");
  repl::ReplicatorConfig replication = config_.replication;
  replication.log = log_replicator;
  replication.software = TANDEMQ_VERSION;
  replication.known = known_features();
  replication.baseline = first_features();
  replication.settings = shared_settings(config_);
  Result<std::unique_ptr<repl::Replicator>> replicator = repl::open_replicator(
      base_, replication, link_tls_, *this, from,
      [this](const repl::Replicator::Progress& progress) {
        tell_recovery("applies its journal, " + std::to_string(progress.done) + " of " +
                      std::to_string(progress.total) + " records");
        log(LogLevel::notice, "recovery",
            {{"done", progress.done}, {"total", progress.total}, {"seconds", progress.seconds}});
      });
  if (!replicator) return replicator.error();
  replicator_ = std::move(replicator).value();
  commit_.open(*replicator_);
  clock_.not_before(state_.meta().time, monotonic_ns());
  const core::StateFigures figures = state_.figures();
  log(LogLevel::notice, "recovered",
      {{"checkpoint_lsn", from},
       {"last_lsn", state_.meta().lsn},
       {"sessions", figures.sessions},
       {"retained", figures.retained},
       {"queued", figures.queued},
       {"seconds", static_cast<double>(monotonic_ns() - started_ns_) / 1e9}});
  return images_.open(base_, *replicator_);
}

void Node::add_timers() {
  const auto add_signal = [this](int at, int number, event_callback_fn call) {
    event_assign(&signal_events_[at], base_, number, EV_SIGNAL | EV_PERSIST, call, this);
    event_add(&signal_events_[at], nullptr);
    added_.push_back(&signal_events_[at]);
  };
  const auto stop = [](evutil_socket_t, short, void* self) {
    static_cast<Node*>(self)->shutdown();
  };
  add_signal(0, SIGTERM, stop);
  add_signal(1, SIGINT, stop);
  add_signal(2, SIGHUP,
             [](evutil_socket_t, short, void* self) { (void)static_cast<Node*>(self)->reload(); });
  constexpr timeval tick_interval{0, 100'000};
  event_assign(
      &tick_event_, base_, -1, EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<Node*>(self)->tick(); }, this);
  event_add(&tick_event_, &tick_interval);
  added_.push_back(&tick_event_);
}

}  // namespace tandemq::broker
