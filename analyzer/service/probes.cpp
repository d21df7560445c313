#include "analyzer/service/probes.h"

#include <algorithm>

namespace migscope::analyzer {

using captures::ProbeMark;

namespace {

class Collector {
public:
  void add(const ProbeMark& mark) {
    switch (mark.kind) {
    case ProbeMark::Kind::sent:
      return add_sent(mark);
    case ProbeMark::Kind::answered:
      return add_answer(mark);
    case ProbeMark::Kind::failed:
      if (series.failures++ == 0)
        series.failure = mark.error;
    }
  }

  void set_up(const captures::ProbeSetup& setup) {
    series.setup = setup;
    begun = true;
  }

  ProbeSeries series;
  bool begun = false;
  uint64_t strange = 0; // marks that nothing fits to
  bool full = false;

private:
  void add_sent(const ProbeMark& mark) {
    auto& probes = series.probes;
    full = full || probes.size() == kMostProbes;
    if (full)
      return;
    if (mark.sequence != probes.size() ||
        (!probes.empty() && mark.time < probes.back().sent)) {
      ++strange;
      return;
    }
    probes.push_back({mark.time, {}});
  }

  void add_answer(const ProbeMark& mark) {
    if (mark.sequence >= series.probes.size()) {
      strange += !full;
      return;
    }
    Probe& probe = series.probes[mark.sequence];
    // Clocks of kernel and program may be some microseconds apart.
    MonoTime at = std::max(mark.time, probe.sent);
    if (probe.answered) {
      ++series.duplicates;
      return;
    }
    probe.answered = at;
    series.answers.emplace_back(at, mark.sequence);
  }
};

} // namespace

Result<ProbeSeries> read_probes(const std::filesystem::path& log,
                                std::optional<Error>* torn) {
  Collector collector;
  auto read = captures::read_probe_log(
      log,
      {[&](const captures::ProbeSetup& setup) { collector.set_up(setup); },
       [&](const ProbeMark& mark) { collector.add(mark); }},
      torn);
  if (!read)
    return fail(read.error());
  if (!collector.begun)
    return fail({ErrorKind::truncated,
                 "there is nothing in it: expected a log of probes",
                 log.string(),
                 {}});
  if (collector.full && !*torn)
    *torn = Error{ErrorKind::unsupported,
                  "only its first " + std::to_string(kMostProbes) +
                      " probes are read",
                  log.string(),
                  {}};
  if (collector.strange && !*torn)
    *torn = Error{ErrorKind::malformed,
                  std::to_string(collector.strange) +
                      " marks are of no probe: expected each sent once, in "
                      "order, and answered after that",
                  log.string(),
                  {}};
  std::ranges::stable_sort(collector.series.answers, {},
                           &std::pair<MonoTime, uint64_t>::first);
  return std::move(collector.series);
}

} // namespace migscope::analyzer
