#include "broker/shell/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "broker/base/exit_code.h"
#include "broker/shell/metrics_table.h"

namespace tandemq::broker {
namespace {

class Snapshot : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    NodeStatus status;
    {
      const std::lock_guard lock(mutex_);
      if (!filled_) return {};
      status = status_;
    }
    return metric_families(status);
  }
  void set(const NodeStatus& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    filled_ = true;
  }

 private:
  mutable std::mutex mutex_;
  NodeStatus status_;
  bool filled_ = false;
};

class MetricsImpl : public Metrics {
 public:
  explicit MetricsImpl(const std::string& listen)
      : snapshot_(std::make_shared<Snapshot>()),
        exposer_(std::make_unique<prometheus::Exposer>(listen)) {
    exposer_->RegisterCollectable(snapshot_);
  }
  // Its web server takes half a second and more to end its threads. A stopped primary has none: the
  // standby may take over when this process is gone. So they end with the process.
  ~MetricsImpl() override {
    using Exposers = std::vector<std::unique_ptr<prometheus::Exposer>>;
    static Exposers& until_exit = *new Exposers;  // NOLINT(bugprone-unhandled-exception-at-new)
    exposer_->RemoveCollectable(snapshot_);
    until_exit.push_back(std::move(exposer_));
  }
  void publish(const NodeStatus& status) override { snapshot_->set(status); }

 private:
  std::shared_ptr<Snapshot> snapshot_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace

Result<std::unique_ptr<Metrics>> Metrics::serve(const std::string& listen) {
  try {
    return std::unique_ptr<Metrics>(std::make_unique<MetricsImpl>(listen));
  } catch (const std::exception& error) {  // the library tells it only so
    return Error{"cannot serve metrics on " + listen + ": " + error.what() +
                     "; free the port, or set metrics.listen to another one or to \"\"",
                 kExitEnvironment};
  }
}

}  // namespace tandemq::broker
