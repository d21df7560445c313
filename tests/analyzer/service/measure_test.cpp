#include "analyzer/service/measure.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

constexpr int64_t kMs = 1'000'000;

MonoTime at_ms(double ms) {
  return {static_cast<int64_t>((1000 + ms) * kMs)};
}

// Probes every 2 ms, answered after 1 ms but where `delay` says otherwise;
// negative is lost.
template <typename Delay>
ProbeSeries series_of(size_t count, Delay delay) {
  ProbeSeries out;
  out.setup = {"udp:guest:7", Nanos(2 * kMs), 84};
  for (size_t i = 0; i < count; ++i) {
    double sent = 2.0 * static_cast<double>(i), takes = delay(i);
    Probe probe{at_ms(sent), {}};
    if (takes >= 0) {
      probe.answered = at_ms(sent + takes);
      out.answers.emplace_back(*probe.answered, i);
    }
    out.probes.push_back(probe);
  }
  std::ranges::stable_sort(out.answers);
  return out;
}

} // namespace

TEST_CASE("a steady service") {
  Service service = measure(series_of(100, [](size_t) { return 1.0; }));
  CHECK(service.sent == 100);
  CHECK(service.answered == 100);
  CHECK(service.lost == 0);
  CHECK(service.loss_percent == doctest::Approx(0));
  CHECK(service.duration_ms == doctest::Approx(198));
  CHECK(service.start_ms == doctest::Approx(0));
  CHECK(service.median_ms == doctest::Approx(1));
  CHECK(service.jitter_rfc3550_ms == doctest::Approx(0));
  CHECK(service.jitter_difference_ms == doctest::Approx(0));
  CHECK(service.throughput == doctest::Approx(100 * 84 * 8 / 0.2));
  CHECK(service.longest_gap_ms == doctest::Approx(2));
  CHECK(service.outages.empty());
  CHECK_FALSE(service.pause);
  REQUIRE_FALSE(service.stretches.empty());
  uint64_t sent = 0;
  for (const ServiceStretch& stretch : service.stretches)
    sent += stretch.sent;
  CHECK(sent == 100);
}

TEST_CASE("delays by rank") {
  auto service = measure(series_of(200, [](size_t i) {
    return i < 198 ? 1.0 : 1.0 + static_cast<double>(i);
  }));
  CHECK(service.min_ms == doctest::Approx(1));
  CHECK(service.p99_ms == doctest::Approx(1));
  CHECK(service.max_ms == doctest::Approx(200));
  CHECK(service.mean_ms == doctest::Approx((198 + 199 + 200) / 200.0));
  CHECK(service.late == 2);
  CHECK(service.lost == 0);
}

TEST_CASE("losses here and there are no silence") {
  auto service =
      measure(series_of(1000, [](size_t i) { return i % 50 ? 1.0 : -1.0; }));
  CHECK(service.lost == 20);
  CHECK(service.loss_percent == doctest::Approx(2));
  CHECK(service.outages.empty());
}

TEST_CASE("a silence whose probes are lost") {
  // 100 to 249, so from the answer at 199 to the one at 501.
  auto service = measure(series_of(
      400, [](size_t i) { return i >= 100 && i < 250 ? -1.0 : 1.0; }));
  REQUIRE(service.outages.size() == 1);
  const Outage& outage = service.outages[0];
  CHECK(outage.start_ms == doctest::Approx(199));
  CHECK(outage.silent_ms == doctest::Approx(302));
  CHECK(outage.probes == 150);
  CHECK(outage.lost == 150);
  CHECK(outage.late == 0);
  CHECK(outage.ended);
}

TEST_CASE("a silence whose probes are answered all at once") {
  auto service = measure(series_of(400, [](size_t i) {
    double sent = 2.0 * static_cast<double>(i);
    return i >= 100 && i < 250 ? 500 - sent : 1.0;
  }));
  CHECK(service.lost == 0);
  CHECK(service.late == 100); // those that waited for more than 100 ms
  REQUIRE(service.outages.size() == 1);
  CHECK(service.outages[0].silent_ms == doctest::Approx(301));
  CHECK(service.outages[0].lost == 0);
  CHECK(service.outages[0].late == 100);
  CHECK(service.reordered == 0);
}

TEST_CASE("a long way is no silence") {
  auto service = measure(series_of(200, [](size_t) { return 60.0; }));
  CHECK(service.outages.empty());
  CHECK(service.median_ms == doctest::Approx(60));
}

TEST_CASE("a prober that does not run is no silence of the guest") {
  ProbeSeries series = series_of(100, [](size_t) { return 1.0; });
  for (size_t i = 50; i < 100; ++i) {
    series.probes[i].sent = series.probes[i].sent + Nanos(200 * kMs);
    series.probes[i].answered = *series.probes[i].answered + Nanos(200 * kMs);
    series.answers[i].first = *series.probes[i].answered;
  }
  auto service = measure(series);
  CHECK(service.outages.empty());
  CHECK(service.longest_gap_ms == doctest::Approx(202));
}

TEST_CASE("a silence that is not over") {
  auto service =
      measure(series_of(200, [](size_t i) { return i < 100 ? 1.0 : -1.0; }));
  REQUIRE(service.outages.size() == 1);
  CHECK_FALSE(service.outages[0].ended);
  CHECK(service.outages[0].start_ms == doctest::Approx(199));
  CHECK(service.outages[0].lost == 98); // the last two may still come
}

TEST_CASE("no answer at all, and no probe at all") {
  auto service = measure(series_of(50, [](size_t) { return -1.0; }));
  CHECK(service.lost == 50);
  CHECK_FALSE(service.median_ms);
  CHECK_FALSE(service.jitter_difference_ms);
  CHECK(service.outages.empty());
  CHECK(measure(ProbeSeries{}).sent == 0);
  CHECK_FALSE(measure(ProbeSeries{}).loss_percent);
}

TEST_CASE("answers out of order") {
  // 10 takes so long that 11's and 12's come before.
  auto service =
      measure(series_of(100, [](size_t i) { return i == 10 ? 5.5 : 1.0; }));
  CHECK(service.reordered == 1);
}

TEST_CASE("the silence around the pause is split, and adds up") {
  // STOP at 200.5, RESUME at 450.25; the first answer comes at 501.
  auto series =
      series_of(400, [](size_t i) { return i > 100 && i < 250 ? -1.0 : 0.25; });
  PauseTimes pause{at_ms(200.5), at_ms(450.25), 0.0};
  auto service = measure(series, at_ms(-1000), pause);
  REQUIRE(service.pause);
  const PauseOutage& split = *service.pause;
  CHECK(split.start_ms == doctest::Approx(1200));
  CHECK(split.before_ms == doctest::Approx(0.5));
  CHECK(split.pause_ms == doctest::Approx(249.75));
  CHECK(split.recovery_ms == doctest::Approx(50));
  CHECK(split.total_ms == doctest::Approx(300.25));
  CHECK(split.lost == 149);
  CHECK(service.start_ms == doctest::Approx(1000));
}

TEST_CASE("a short pause is told, too, and one that nobody saw the end of") {
  auto series = series_of(300, [](size_t) { return 0.5; });
  PauseTimes pause{at_ms(100.75), at_ms(101.5), 0.0};
  auto service = measure(series, at_ms(0), pause);
  REQUIRE(service.pause);
  CHECK(service.pause->total_ms == doctest::Approx(2.5));
  CHECK(service.outages.empty());

  auto dead = series_of(300, [](size_t i) { return i < 50 ? 0.5 : -1.0; });
  service = measure(dead, at_ms(0), pause);
  REQUIRE(service.pause);
  CHECK_FALSE(service.pause->recovery_ms);
  CHECK_FALSE(service.pause->total_ms);

  auto never = series_of(300, [](size_t) { return -1.0; });
  CHECK_FALSE(measure(never, at_ms(0), pause).pause);
}
