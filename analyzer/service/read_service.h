// The service's figures out of a recording that a probe ran beside.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/service/measure.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// `zero` and `pause` as measure() takes them. Damage is told in `input`;
// nothing without a log of probes.
[[nodiscard]] std::optional<Service>
read_service(Input& input, const captures::Recording& recording,
             std::optional<MonoTime> zero,
             const std::optional<PauseTimes>& pause);

// What the guest's clients felt, in a sentence.
[[nodiscard]] std::optional<Finding> service_finding(const Service& service);

} // namespace migscope::analyzer
