#include "analyzer/pages/report_pages.h"

#include "analyzer/pages/contents.h"
#include "analyzer/pages/hot_regions.h"
#include "analyzer/stream_model.h"
#include "captures/session/channel_reader.h"

#include <algorithm>
#include <map>

namespace migscope::analyzer {
namespace {

// Enough to see a pattern; --pages has all.
constexpr size_t kMostRegions = 64;
constexpr uint64_t kLargeBytes = 2u << 20;
constexpr uint64_t kHugeBytes = 1u << 30;

// Each count up to 16 for itself, then up to powers of two.
class SendCounts {
public:
  void add(uint64_t sends) {
    if (sends >= counts_.size())
      counts_.resize(sends + 1);
    ++counts_[sends];
  }

  [[nodiscard]] std::vector<SendCount> take() const {
    constexpr uint64_t kSingle = 16;
    std::vector<SendCount> out;
    for (uint64_t from = 1; from < counts_.size();) {
      uint64_t to = from <= kSingle ? from : 2 * (from - 1);
      SendCount count{from, to, 0};
      for (uint64_t n = from; n <= to && n < counts_.size(); ++n)
        count.pages += counts_[n];
      if (count.pages > 0)
        out.push_back(count);
      from = to + 1;
    }
    return out;
  }

private:
  std::vector<uint64_t> counts_; // at most 65536, see PageState
};

// One walk over the ledger.
class Walk {
public:
  Walk(const StreamModel& model, const RoundsOfPages& rounds,
       uint64_t resending_rounds)
      : model_(model), ledger_(model.ledger()),
        zero_digest_(model.zero_digest()), resending_(resending_rounds),
        last_(rounds.first_pause_section()), stretches_{
                                                 HotStretches(kMostRegions),
                                                 HotStretches(kMostRegions),
                                                 HotStretches(kMostRegions)} {}

  void run() {
    for (size_t block = 0; block < ledger_.blocks(); ++block)
      walk(block);
  }

  void fill(PageReport& report, const GuestLayout& layout);

  SendCounts all, in_pause;
  ContentCounter contents;
  uint64_t sent = 0, zero = 0, always = 0;

private:
  // Sums of the unit that the walk is in, for the larger units.
  struct Unit {
    uint64_t number = UINT64_MAX;
    Heat heat;
  };

  void walk(size_t block);
  void count(const PageState& state);
  [[nodiscard]] Heat heat_of(const PageState& state) const;
  void close(size_t block, size_t size);
  void add(size_t block, size_t size, uint64_t unit, const Heat& heat);
  [[nodiscard]] uint64_t unit_bytes(size_t size) const;

  const StreamModel& model_;
  const PageLedger& ledger_;
  uint64_t zero_digest_, resending_;
  uint32_t last_; // sections from it on, as PageState counts, are in the pause
  std::array<HotStretches, 3> stretches_; // by size: a page, 2 MiB, 1 GiB
  std::array<Unit, 3> units_;
};

uint64_t Walk::unit_bytes(size_t size) const {
  uint64_t page = ledger_.page_size();
  return std::max(page, std::array{page, kLargeBytes, kHugeBytes}[size]);
}

Heat Walk::heat_of(const PageState& state) const {
  Heat heat;
  heat.sent_pages = state.sends;
  heat.resent_pages = state.sends - 1u;
  heat.hot_pages = state.sends > 1;
  heat.stop_copy_pages = state.last_section >= last_;
  heat.stop_copy_resent_pages = state.sends > 1 && state.last_section >= last_;
  return heat;
}

void Walk::count(const PageState& state) {
  ++sent;
  all.add(state.sends);
  if (state.last_section >= last_)
    in_pause.add(state.sends);
  // With the guest running.
  uint64_t sends = state.sends - (state.last_section >= last_ ? 1u : 0u);
  always += resending_ > 0 && sends > resending_;
  if (state.digest == zero_digest_)
    ++zero;
  else if (state.digest != 0)
    contents.add(state.digest);
}

// Adds to a unit of a size, which makes up those of the next.
void Walk::add(size_t block, size_t size, uint64_t unit, const Heat& heat) {
  if (units_[size].number != unit) {
    close(block, size);
    units_[size] = {unit, {}};
  }
  units_[size].heat += heat;
}

void Walk::close(size_t block, size_t size) {
  Unit& unit = units_[size];
  if (unit.number == UINT64_MAX)
    return;
  stretches_[size].add(block, unit.number, unit.heat);
  if (size + 1 < units_.size())
    add(block, size + 1, unit.number * unit_bytes(size) / unit_bytes(size + 1),
        unit.heat);
  unit = {};
}

void Walk::walk(size_t block) {
  const uint64_t pages = unit_bytes(1) / ledger_.page_size();
  ledger_.for_each_sent(block, [&](uint64_t page, const PageState& state) {
    count(state);
    Heat heat = heat_of(state);
    if (heat.hot_pages > 0)
      stretches_[0].add(block, page, heat);
    add(block, 1, page / pages, heat);
  });
  close(block, 1);
  close(block, 2);
}

void Walk::fill(PageReport& report, const GuestLayout& layout) {
  const auto& blocks = model_.blocks();
  for (size_t size = 0; size < stretches_.size(); ++size) {
    HotRegions out;
    out.unit_bytes = unit_bytes(size);
    for (const HotStretch& stretch : stretches_[size].take()) {
      HotRegion region;
      region.block = blocks[stretch.block].name;
      region.address = stretch.first_unit * out.unit_bytes;
      region.bytes = std::min(stretch.units * out.unit_bytes,
                              blocks[stretch.block].bytes - region.address);
      region.guest_address =
          guest_address(layout, stretch.block, region.address, region.bytes);
      region.sent_pages = stretch.heat.sent_pages;
      region.resent_pages = stretch.heat.resent_pages;
      region.hot_pages = stretch.heat.hot_pages;
      if (last_ != UINT32_MAX) {
        region.stop_copy_pages = stretch.heat.stop_copy_pages;
        region.stop_copy_resent_pages = stretch.heat.stop_copy_resent_pages;
      }
      out.regions.push_back(std::move(region));
    }
    out.more_regions = stretches_[size].more();
    out.more_resent_pages = stretches_[size].more_resent_pages();
    report.hot_regions.push_back(std::move(out));
  }
}

// From each run's first byte to what followed, where both arrived in order.
std::vector<std::optional<double>>
run_times(const std::vector<PauseRun>& runs, std::optional<uint64_t> end,
          std::span<const captures::Chunk> chunks) {
  std::vector<std::optional<double>> out(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    auto from = captures::arrival_of(chunks, runs[i].offset);
    auto next = i + 1 < runs.size() ? std::optional(runs[i + 1].offset) : end;
    auto to = next ? captures::arrival_of(chunks, *next - 1) : std::nullopt;
    if (from && to && *to >= *from)
      out[i] = to_ms(*to - *from);
  }
  return out;
}

void add_regions(StopCopyPages& out, const StreamModel& model,
                 const std::vector<PauseRun>& runs, const GuestLayout& layout,
                 std::span<const captures::Chunk> chunks) {
  auto times = run_times(runs, model.marks().ram_end_end, chunks);
  std::map<std::pair<uint32_t, uint64_t>, StopCopyRegion> regions;
  for (size_t i = 0; i < runs.size(); ++i) {
    auto [at, fresh] =
        regions.try_emplace(std::pair(runs[i].block, runs[i].unit));
    StopCopyRegion& region = at->second;
    const BlockTotals& block = model.blocks()[runs[i].block];
    region.block = block.name;
    region.address = runs[i].unit * kPauseUnitBytes;
    region.bytes = std::min(kPauseUnitBytes, block.bytes - region.address);
    region.guest_address =
        guest_address(layout, runs[i].block, region.address, region.bytes);
    region.pages += runs[i].pages;
    region.wire_bytes += runs[i].wire_bytes;
    if (!times[i] || (!fresh && !region.ms))
      region.ms.reset();
    else
      region.ms = region.ms.value_or(0) + *times[i];
  }
  for (auto& [key, region] : regions)
    out.regions.push_back(std::move(region));
  std::ranges::stable_sort(out.regions, std::greater(),
                           &StopCopyRegion::wire_bytes);
  while (out.regions.size() > kMostRegions) {
    ++out.more_regions;
    out.more_wire_bytes += out.regions.back().wire_bytes;
    out.regions.pop_back();
  }
}

StopCopyPages stop_copy(const StreamModel& model, const RoundRepeats& repeats,
                        const RoundsOfPages& rounds, const SendCounts& counts,
                        const GuestLayout& layout,
                        std::span<const captures::Chunk> chunks) {
  StopCopyPages out;
  out.last_sent = repeats.last_sent(rounds.first_sections.size() - 1);
  out.first_time_pages = 0;
  for (size_t i = rounds.first_sections.back(); i < model.sections().size();
       ++i)
    out.first_time_pages +=
        model.sections()[i].pages - model.sections()[i].resent;
  out.send_counts = counts.take();
  add_regions(out, model, rounds.pause_runs->runs(), layout, chunks);
  return out;
}

} // namespace

PageReport report_pages(const StreamModel& model, const RoundsOfPages& rounds,
                        const GuestLayout& layout,
                        std::span<const captures::Chunk> chunks) {
  RoundRepeats repeats(model.repeats(), rounds.first_sections);
  bool by_round = !rounds.first_sections.empty() && model.repeats().complete();
  PageReport report;
  size_t live = rounds.first_sections.size() - (rounds.ends_in_pause ? 1 : 0);
  Walk walk(model, rounds, by_round ? repeats.resending(live) : 0);
  walk.run();
  walk.fill(report, layout);
  report.sent_pages = walk.sent;
  report.zero_pages = walk.zero;
  for (const BlockTotals& block : model.blocks())
    report.never_sent_pages +=
        block.pages - std::min(block.pages, block.unique_pages);
  report.send_counts = walk.all.take();
  if (model.contents_are_known())
    report.contents = walk.contents.count();
  if (!by_round)
    return report;
  report.working_sets = repeats.working_sets(rounds.durations_ms);
  report.resending_rounds = repeats.resending(live);
  report.always_resent_pages = walk.always;
  if (rounds.ends_in_pause)
    report.stop_copy =
        stop_copy(model, repeats, rounds, walk.in_pause, layout, chunks);
  return report;
}

std::vector<const char*> limits_of_pages(const StreamModel& model,
                                         const RoundsOfPages& rounds) {
  std::vector<const char*> out;
  if (!model.repeats().complete())
    out.push_back("RAM sections repeat so many others that rounds' pages are "
                  "not told apart: working sets and what the pause was made of "
                  "are left out");
  if (rounds.pause_runs && !rounds.pause_runs->complete())
    out.push_back("the pause's pages lie in more stretches than are followed: "
                  "its regions are not complete");
  return out;
}

} // namespace migscope::analyzer
