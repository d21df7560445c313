#include "tools/report/cells.h"
#include "tools/report/reduce.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostBars = 150;
constexpr size_t kMostRows = 200;

RoundBar round_bar(const Round& round) {
  RoundBar out;
  auto pages = static_cast<double>(round.pages.value_or(0));
  auto resent = static_cast<double>(round.resent_pages.value_or(0));
  out.label = fmt::format("{}", round.number);
  out.fresh = std::max(0.0, pages - resent);
  out.same = static_cast<double>(round.same_content_pages.value_or(0));
  out.changed = std::max(0.0, resent - out.same);
  out.zero = static_cast<double>(round.zero_pages.value_or(0));
  return out;
}

DataTable rounds_table(const Analysis& analysis) {
  DataTable out{"Rounds",
                {{"round"},
                 {"start ms"},
                 {"ms"},
                 {"pages"},
                 {"first time"},
                 {"re-sent"},
                 {"unchanged"},
                 {"zero"},
                 {"MiB"},
                 {"left MiB"},
                 {"dirtied MiB/s"},
                 {"limited by", false},
                 {"begins by", false}},
                {}};
  for (const Round& round : analysis.rounds) {
    std::optional<uint64_t> fresh;
    if (round.pages && round.resent_pages)
      fresh = *round.pages - std::min(*round.pages, *round.resent_pages);
    out.rows.push_back(
        {count(round.number), decimal(round.start_ms),
         decimal(round.duration_ms), count(round.pages), count(fresh),
         count(round.resent_pages), count(round.same_content_pages),
         count(round.zero_pages),
         mib(round.bytes ? round.bytes : round.transferred_bytes),
         mib(round.remaining_bytes), mib(round.dirty_bytes_per_second),
         word(round.flow ? to_string(round.flow->limited_by) : "?"),
         word(to_string(round.boundary))});
  }
  out.rows = some_rows(std::move(out.rows), kMostRows);
  if (analysis.rounds_are_lower_bound)
    out.note = "There may have been more: from a stream alone only rounds that "
               "sent something again are seen.";
  return out;
}

} // namespace

std::optional<RoundsData> rounds_data(const Analysis& analysis) {
  const auto& rounds = analysis.rounds;
  if (std::ranges::none_of(rounds,
                           [](const Round& r) { return r.pages.has_value(); }))
    return {};
  RoundsData out;
  out.same_is_known = std::ranges::any_of(
      rounds, [](const Round& r) { return r.same_content_pages.has_value(); });
  for (auto [first, end] : grouped(rounds.size(), kMostBars)) {
    auto begin = rounds.begin() + static_cast<ptrdiff_t>(first);
    auto behind = rounds.begin() + static_cast<ptrdiff_t>(end);
    auto largest = std::ranges::max_element(
        begin, behind, {}, [](const Round& r) { return r.pages.value_or(0); });
    RoundBar bar = round_bar(*largest);
    if (end - first > 1)
      bar.label += fmt::format(", the largest of {} to {}", begin->number,
                               std::prev(behind)->number);
    out.bars.push_back(std::move(bar));
  }
  return out;
}

Section rounds_section(const Analysis& analysis) {
  Section out{"rounds", "Rounds", "", "", {}, {}};
  if (analysis.rounds.empty()) {
    out.lead = "No rounds are told of this kind of migration.";
    return out;
  }
  if (rounds_data(analysis)) {
    out.chart = "rounds";
    out.lead = "What each round sent, between two dirty-bitmap syncs. Zero "
               "pages stand beside: they are among the others, too.";
  }
  out.tables.push_back(rounds_table(analysis));
  return out;
}

} // namespace migscope::tools
