#include "analyzer/scan_sections.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

uint64_t pages_of(const std::vector<RamSection>& stretches, size_t from,
                  size_t to) {
  uint64_t pages = 0;
  for (size_t i = from; i < to; ++i)
    pages += stretches[i].pages;
  return pages;
}

double mean_size(const std::vector<RamSection>& stretches, const ScanEnd& from,
                 const ScanEnd& to) {
  constexpr uint64_t kFewSections = 4; // whose mean is worth nothing
  uint64_t sections = to.sections - from.sections;
  if (sections < kFewSections)
    return 0;
  return static_cast<double>(pages_of(stretches, from.stretch, to.stretch)) /
         static_cast<double>(sections);
}

// Pages of a PART section; 0: cannot be told. The first scan counts only where
// there is nothing else: zero pages go as fast as they can be read.
double section_pages(const std::vector<RamSection>& stretches,
                     const std::vector<ScanEnd>& scans) {
  auto in_end = std::ranges::find_if(scans, &ScanEnd::in_end);
  auto live = std::span(scans.begin(), in_end);
  if (live.size() < 2) // the setup's, the first scan's
    return 0;
  double later = mean_size(stretches, live[1], live.back());
  return later > 0 ? later : mean_size(stretches, live[0], live.back());
}

// The stretch with which the section that wrote `at` may have begun, `first`
// at the earliest.
size_t section_begin(const std::vector<RamSection>& stretches,
                     const GuessedSections& guess, size_t first, size_t at) {
  size_t begin = at;
  uint64_t pages = 0;
  while (begin > first && guess.sections[begin - 1] == guess.sections[at] &&
         pages < guess.pages)
    pages += stretches[--begin].pages;
  return begin;
}

} // namespace

GuessedSections guess_sections(const std::vector<RamSection>& stretches,
                               const std::vector<ScanEnd>& scans) {
  const double size = section_pages(stretches, scans);
  if (size == 0)
    return {};
  GuessedSections out;
  out.pages = static_cast<uint64_t>(size);
  double written = 0; // sections, the last one in part
  size_t at = 0;
  for (const ScanEnd& scan : scans) {
    // The one that was being written when the scan ended.
    const double last =
        std::max(0.0, static_cast<double>(scan.sections) - !scan.in_end);
    for (; at < scan.stretch; ++at) {
      out.sections.push_back(static_cast<uint64_t>(std::min(written, last)));
      written += static_cast<double>(stretches[at].pages) / size;
    }
    written = std::clamp(written, last, last + 1);
  }
  out.sections.resize(stretches.size(), scans.back().sections);
  return out;
}

std::vector<size_t> fewest_starts(const std::vector<RamSection>& stretches,
                                  const GuessedSections& guess,
                                  size_t end_scan) {
  // A start lies behind the stretch of which `at` has a page again.
  auto behind = [&](size_t at) {
    size_t repeats = stretches[at].repeats;
    return repeats <= at ? repeats : 0;
  };
  std::vector<size_t> latest_behind(stretches.size());
  for (size_t at = 1; at < stretches.size(); ++at)
    latest_behind[at] = std::max(latest_behind[at - 1], behind(at));
  // The earliest that each can be, the last first.
  std::vector<size_t> earliest;
  for (size_t end = stretches.size(); latest_behind[end - 1] > 0;) {
    end = std::max(latest_behind[end - 1], earliest.empty() ? end_scan : 0);
    earliest.push_back(end);
  }

  std::vector<size_t> out;
  size_t at = 1, start = 0;
  for (size_t i = earliest.size(); i-- > 0;) {
    while (behind(at) <= start)
      ++at; // the latest that the next can be
    size_t first = std::max(earliest[i], start + 1);
    bool is_end = i == 0 && end_scan > 0;
    start = is_end ? at : section_begin(stretches, guess, first, at);
    out.push_back(start);
  }
  return out;
}

} // namespace migscope::analyzer
