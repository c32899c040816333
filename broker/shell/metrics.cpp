#include "broker/shell/metrics.h"

#include <prometheus/text_serializer.h>

#include <memory>
#include <mutex>
#include <utility>

#include "broker/base/exit_code.h"
#include "broker/shell/metrics_table.h"
#include "broker/support/scrape_server.h"

namespace tandemq::broker {
namespace {

// What the loop published last.
class Snapshot {
 public:
  void set(const NodeStatus& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    filled_ = true;
  }
  std::string page() const {
    NodeStatus status;
    {
      const std::lock_guard lock(mutex_);
      if (!filled_) return {};
      status = status_;
    }
    return prometheus::TextSerializer().Serialize(metric_families(status));
  }

 private:
  mutable std::mutex mutex_;
  NodeStatus status_;
  bool filled_ = false;
};

class MetricsImpl : public Metrics {
 public:
  Status open(const std::string& listen) {
    Result<std::unique_ptr<ScrapeServer>> server =
        ScrapeServer::open(listen, [this] { return snapshot_.page(); });
    if (!server) return server.error();
    server_ = std::move(*server);
    return Done{};
  }
  void publish(const NodeStatus& status) override { snapshot_.set(status); }

 private:
  Snapshot snapshot_;
  std::unique_ptr<ScrapeServer> server_;  // asks the snapshot
};

}  // namespace

Result<std::unique_ptr<Metrics>> Metrics::serve(const std::string& listen) {
  auto metrics = std::make_unique<MetricsImpl>();
  if (Status opened = metrics->open(listen); !opened) {
    return Error{"cannot serve metrics on " + listen + ": " + opened.error().message +
                     "; free the port, or set metrics.listen to another one or to \"\"",
                 kExitEnvironment};
  }
  return std::unique_ptr<Metrics>(std::move(metrics));
}

}  // namespace tandemq::broker
