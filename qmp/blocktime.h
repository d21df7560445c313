// How long a postcopy destination's vCPUs waited for pages, by its own count
// (capability postcopy-blocktime). Fields that a QEMU has not are absent.
#pragma once

#include "qmp/json.h"

#include <cstdint>

namespace migscope::qmp {

struct PostcopyBlocktime {
  std::optional<uint64_t> all_ms; // for which all vCPUs waited at once
  std::vector<uint64_t> vcpu_ms;  // of each vCPU
  // QEMU 10.1+. Averages over page faults, and how many took from 2^N to
  // 2^(N+1) us.
  std::optional<uint64_t> latency_ns, non_vcpu_latency_ns;
  std::vector<uint64_t> vcpu_latency_ns; // of each vCPU
  std::vector<uint64_t> latency_buckets;

  bool operator==(const PostcopyBlocktime&) const = default;
};

// `reply` is the "return" value of the destination's query-migrate; nothing
// where it does not tell.
[[nodiscard]] std::optional<PostcopyBlocktime>
decode_postcopy_blocktime(const Json& reply);

} // namespace migscope::qmp
