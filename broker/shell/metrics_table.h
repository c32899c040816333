// NodeStatus as Prometheus metric families.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "broker/shell/node_status.h"

namespace tandemq::broker {

std::vector<prometheus::MetricFamily> metric_families(const NodeStatus& status);

}  // namespace tandemq::broker
