// What must hold of every result, whatever was read: sums that add up, bounds
// that are kept.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/devices/device_states.h"
#include "analyzer/memory/memory_report.h"

namespace migscope::test {

// Each returns the first thing that does not hold; empty where all does.
[[nodiscard]] std::string unsound(const analyzer::Input& input);
[[nodiscard]] std::string unsound(const analyzer::Analysis& analysis);
[[nodiscard]] std::string unsound(const analyzer::DeviceStates& states);
[[nodiscard]] std::string unsound(const analyzer::MemoryReport& report);
// With what_if.
[[nodiscard]] std::string unsound_what_if(const analyzer::Analysis& analysis);
// Of the same input; the memory perhaps of an earlier round.
[[nodiscard]] std::string unsound(const analyzer::Analysis& analysis,
                                  const analyzer::MemoryReport& report);

} // namespace migscope::test
