// A log of probes and what is measured of it. Two option bytes say where in it
// STOP and RESUME are (of 256 parts of the time of probing); the rest is the
// log's lines.
#include "analyzer/service/measure.h"
#include "captures/session/zstd_frame.h"
#include "tests/fuzz/memory_file.h"

#include <cmath>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::fuzz;

namespace {

std::vector<std::byte> compressed(std::span<const std::byte> bytes) {
  std::vector<std::byte> out(captures::FrameCompressor::bound(bytes.size()));
  captures::FrameCompressor zstd;
  zstd.set_level(1);
  auto size = zstd.compress(bytes, out);
  require(size.has_value(), "there is room for a frame");
  out.resize(*size);
  return out;
}

void check(const Service& service) {
  require(service.answered + service.lost == service.sent,
          "every probe is answered or lost");
  require(service.late <= service.answered, "late ones are answered");
  require(service.outages.size() <= service.answered, "silences are between");
  require(service.stretches.size() <= 402, "stretches are few");
  uint64_t sent = 0, lost = 0;
  for (const ServiceStretch& stretch : service.stretches) {
    sent += stretch.sent;
    lost += stretch.lost;
  }
  require(sent == service.sent && lost == service.lost, "stretches hold all");
  for (const auto& figure : {service.min_ms, service.median_ms, service.p99_ms,
                             service.max_ms, service.jitter_rfc3550_ms})
    require(!figure || (std::isfinite(*figure) && *figure >= 0),
            "figures are figures");
  if (service.min_ms)
    require(*service.min_ms <= *service.median_ms &&
                *service.median_ms <= *service.max_ms,
            "delays are in order");
}

void check(const PauseOutage& pause) {
  require(pause.before_ms >= 0, "it begins before STOP");
  if (pause.recovery_ms)
    require(*pause.recovery_ms >= 0 &&
                std::fabs(pause.before_ms + pause.pause_ms +
                          *pause.recovery_ms - *pause.total_ms) <=
                    1e-9 * std::fabs(*pause.total_ms) + 1e-6,
            "the pieces add up");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  uint8_t a = input.u8(), b = input.u8();
  MemoryFile file(compressed(input.rest()));
  std::optional<Error> torn;
  auto series = read_probes(file.path(), &torn);
  if (!series)
    return 0;
  check(measure(*series));
  if (series->probes.empty())
    return 0;
  MonoTime first = series->probes.front().sent;
  Nanos part = (series->probes.back().sent - first) / 256;
  PauseTimes pause{
      first + std::min(a, b) * part, first + std::max(a, b) * part, {}};
  Service service = measure(*series, first, pause);
  check(service);
  if (service.pause)
    check(*service.pause);
  return 0;
}
