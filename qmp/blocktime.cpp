#include "qmp/blocktime.h"

namespace migscope::qmp {
namespace {

std::vector<uint64_t> numbers(const Json& list) {
  std::vector<uint64_t> out;
  for (const Json& element : list.elements())
    out.push_back(element.as_uint().value_or(0));
  return out;
}

} // namespace

std::optional<PostcopyBlocktime> decode_postcopy_blocktime(const Json& reply) {
  PostcopyBlocktime out;
  out.all_ms = reply.get("postcopy-blocktime").as_uint();
  out.vcpu_ms = numbers(reply.get("postcopy-vcpu-blocktime"));
  out.latency_ns = reply.get("postcopy-latency").as_uint();
  out.non_vcpu_latency_ns = reply.get("postcopy-non-vcpu-latency").as_uint();
  out.vcpu_latency_ns = numbers(reply.get("postcopy-vcpu-latency"));
  out.latency_buckets = numbers(reply.get("postcopy-latency-dist"));
  return out == PostcopyBlocktime() ? std::nullopt : std::optional(out);
}

} // namespace migscope::qmp
