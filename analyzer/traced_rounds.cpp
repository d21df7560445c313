#include "analyzer/traced_rounds.h"

#include <algorithm>

namespace migscope::analyzer {

using captures::SectionKind;

namespace {

bool tells_all(const TraceMarks& trace, size_t sections) {
  return trace.forgotten == 0 && trace.from_setup &&
         trace.ram_sections == sections && !trace.syncs.empty() &&
         trace.syncs.front().ram_sections == 0u &&
         std::ranges::all_of(trace.syncs, [](const TracedSync& sync) {
           return sync.ram_sections.has_value();
         });
}

// No page is sent twice in a round.
bool consistent(const std::vector<RamSection>& sections,
                const std::vector<RoundStart>& starts) {
  auto round = starts.begin();
  for (size_t i = 0; i < sections.size(); ++i) {
    while (round + 1 != starts.end() && (round + 1)->section <= i)
      ++round;
    if (sections[i].repeats > round->section)
      return false;
  }
  return true;
}

} // namespace

std::optional<std::vector<RoundStart>>
traced_rounds(const std::vector<RamSection>& sections, const TraceMarks& trace,
              const ClockMap& clock) {
  if (sections.empty() || !tells_all(trace, sections.size()))
    return {};
  bool ended = sections.back().kind == SectionKind::end;
  size_t parts = sections.size() - (ended ? 1 : 0);
  std::vector<RoundStart> starts;
  for (const TracedSync& sync : trace.syncs) {
    MonoTime at = time_of(sync.end, clock);
    auto section = static_cast<size_t>(*sync.ram_sections);
    bool final = ended && &sync == &trace.syncs.back();
    SyncMark mark{starts.size() + 1, at, at, final, Boundary::trace};
    starts.push_back({section, Boundary::trace, mark});
  }
  starts.front().how = Boundary::exact;
  if (ended)
    starts.back().how = Boundary::exact;
  if ((ended && starts.back().section != parts) ||
      !consistent(sections, starts))
    return {};
  return starts;
}

} // namespace migscope::analyzer
