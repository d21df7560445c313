#include "tests/support/soundness.h"

#include <algorithm>
#include <numeric>

namespace migscope::test {

using namespace migscope::analyzer;

namespace {

// Of a reader's own log, twice, and what is said of channels and devices.
constexpr size_t kMaxProblems = 4000;

// Keeps the first promise that is broken.
class Promises {
public:
  void hold(bool good, const char* what) {
    if (!good && broken_.empty())
      broken_ = what;
  }
  void all_of(std::string broken) {
    if (broken_.empty())
      broken_ = std::move(broken);
  }
  [[nodiscard]] std::string broken() const { return broken_; }

private:
  std::string broken_;
};

template <typename List, typename Member>
uint64_t sum(const List& list, Member member) {
  return std::accumulate(list.begin(), list.end(), uint64_t{0},
                         [&](uint64_t total, const auto& item) {
                           return total + std::invoke(member, item);
                         });
}

uint64_t pages_of(uint64_t bytes, uint64_t page) {
  return bytes / page + (bytes % page != 0);
}

void check_blocks(Promises& promises, const Ram& ram, uint64_t page) {
  for (const BlockTotals& block : ram.blocks) {
    promises.hold(block.unique_pages + block.resent_pages == block.sent_pages,
                  "a block's unique and resent pages are those sent");
    promises.hold(block.unique_pages <= pages_of(block.bytes, page),
                  "a block has not more different pages than it is long");
    promises.hold(block.stop_copy_pages.value_or(0) <= block.sent_pages,
                  "what was sent in the pause is of what was sent");
  }
}

void check_region(Promises& promises, const Ram& ram, const HotRegion& region) {
  auto block = std::ranges::find(ram.blocks, region.block, &BlockTotals::name);
  promises.hold(block != ram.blocks.end() && region.bytes <= block->bytes &&
                    region.address <= block->bytes - region.bytes,
                "a region lies in its block");
  promises.hold(region.resent_pages < region.sent_pages,
                "a page of a region was sent first before again");
  promises.hold(region.hot_pages > 0 && region.hot_pages <= region.resent_pages,
                "a hot page was sent again");
  promises.hold(region.stop_copy_resent_pages.value_or(0) <=
                    region.stop_copy_pages.value_or(0),
                "what was resent in the pause is of what was sent in it");
}

uint64_t stop_copy_pages(const Ram& ram) {
  uint64_t pages = 0;
  for (const BlockTotals& block : ram.blocks)
    pages += block.stop_copy_pages.value_or(0);
  return pages;
}

// PageState counts no further.
constexpr uint64_t kMostSends = 65535;

void check_hot_regions(Promises& promises, const Ram& ram,
                       const PageReport& pages) {
  for (const HotRegions& hot : pages.hot_regions) {
    for (const HotRegion& region : hot.regions)
      check_region(promises, ram, region);
    uint64_t resent =
        sum(hot.regions, &HotRegion::resent_pages) + hot.more_resent_pages;
    promises.hold(ram.totals.max_sends >= kMostSends ||
                      resent == ram.totals.resent_pages,
                  "the regions of a size hold all resent pages");
  }
}

void check_pages(Promises& promises, const Ram& ram, const PageReport& pages) {
  promises.hold(pages.sent_pages == ram.totals.unique_pages,
                "different pages are those that were sent");
  promises.hold(sum(pages.send_counts, &SendCount::pages) == pages.sent_pages,
                "every page was sent some times");
  if (pages.contents)
    promises.hold(pages.contents->pages + pages.zero_pages <= pages.sent_pages,
                  "contents are of pages that were sent");
  check_hot_regions(promises, ram, pages);
  for (const WorkingSet& set : pages.working_sets)
    promises.hold(set.max_pages <= pages.sent_pages &&
                      set.mean_pages <= static_cast<double>(set.max_pages),
                  "a working set is of the pages that were sent");
  if (!pages.stop_copy)
    return;
  const StopCopyPages& pause = *pages.stop_copy;
  promises.hold(pause.first_time_pages +
                        sum(pause.last_sent, &LastSent::pages) ==
                    stop_copy_pages(ram),
                "pages in the pause were sent before or not");
}

void check_ram(Promises& promises, const Ram& ram, uint64_t page) {
  const RamTotals& totals = ram.totals;
  uint64_t sent =
      totals.zero + totals.normal + totals.xbzrle + totals.compressed;
  promises.hold(totals.unique_pages + totals.resent_pages == sent,
                "unique and resent pages are those sent");
  promises.hold(sum(ram.blocks, &BlockTotals::sent_pages) == sent,
                "the blocks' sent pages are all");
  promises.hold(sum(ram.blocks, &BlockTotals::unique_pages) ==
                    totals.unique_pages,
                "the blocks' unique pages are all");
  promises.hold(sum(ram.blocks, &BlockTotals::resent_pages) ==
                    totals.resent_pages,
                "the blocks' resent pages are all");
  promises.hold(totals.same_content_resends.value_or(0) <= totals.resent_pages,
                "resends of the same content are resends");
  promises.hold((totals.max_sends > 0) == (sent > 0) &&
                    totals.max_sends <= sent,
                "a page was sent at most as often as all were");
  check_blocks(promises, ram, page);
}

// Where the stream tells of rounds they are all of it.
void check_rounds(Promises& promises, const Analysis& analysis) {
  uint64_t pages = 0, resent = 0, bytes = 0, number = 0, reached = 0;
  for (const Round& round : analysis.rounds) {
    promises.hold(round.number > number, "rounds are in order");
    number = round.number;
    if (!round.pages)
      return;
    pages += *round.pages;
    resent += *round.resent_pages;
    bytes += *round.bytes;
    promises.hold(round.first_offset.value_or(reached) >= reached,
                  "rounds begin one after the other");
    reached = round.first_offset.value_or(reached);
  }
  if (analysis.rounds.empty())
    return;
  const RamTotals& totals = analysis.ram->totals;
  promises.hold(pages == totals.unique_pages + totals.resent_pages,
                "the rounds hold all pages");
  promises.hold(resent == totals.resent_pages, "the rounds hold all resends");
  promises.hold(bytes == totals.bytes, "the rounds hold all bytes");
}

void check_pause(Promises& promises, const Analysis& analysis) {
  const StopAndCopy& pause = *analysis.stop_and_copy;
  promises.hold(pause.zero_pages <= pause.pages,
                "the zero pages of the pause are of its pages");
  uint64_t of_blocks = 0;
  for (const BlockTotals& block : analysis.ram->blocks)
    of_blocks += block.stop_copy_pages.value_or(0);
  promises.hold(of_blocks == pause.pages,
                "the blocks' pages of the pause are all of it");
  promises.hold(pause.device_bytes <= sum(pause.devices, &DeviceState::bytes),
                "the devices of the pause are of all devices");
}

void check_held(Promises& promises, const BlockReport& block, uint64_t page) {
  const HeldPages& held = block.held;
  promises.hold(held.pages == pages_of(block.bytes, page),
                "a block has as many pages as it is long");
  promises.hold(held.zero + held.data + held.unknown == held.pages,
                "each page of a block is counted once");
  promises.hold(held.never_sent <= held.unknown, "what never came is unknown");
  promises.hold(held.perhaps_stale <= held.zero + held.data,
                "what is perhaps out of date is known");
  promises.hold(block.digest.has_value() == (held.unknown == 0),
                "a block has a digest where all of it is known");
}

void check_layout(Promises& promises, const MemoryReport& report) {
  for (const LayoutPiece& piece : report.layout.pieces) {
    promises.hold(piece.block < report.block_list.size(),
                  "what is at an address is of a block");
    uint64_t bytes = report.block_list[piece.block].used_length;
    promises.hold(piece.bytes <= bytes && piece.offset <= bytes - piece.bytes,
                  "what is at an address lies in its block");
  }
}

} // namespace

std::string unsound(const Input& input) {
  Promises promises;
  bool error = std::ranges::any_of(input.problems, [](const Problem& problem) {
    return problem.severity == Severity::error;
  });
  promises.hold(input.complete == !error,
                "an input is complete unless there is an error");
  promises.hold(input.problems.size() <= kMaxProblems,
                "there are not more problems than anybody reads");
  promises.hold(std::ranges::none_of(input.problems,
                                     [](const Problem& problem) {
                                       return problem.message.empty();
                                     }),
                "a problem says something");
  return promises.broken();
}

std::string unsound(const Analysis& analysis) {
  Promises promises;
  promises.all_of(unsound(analysis.input));
  promises.hold(analysis.outcome.status != "truncated" ||
                    !analysis.input.complete,
                "a stream without its end is not complete");
  promises.hold(analysis.ram.has_value() || !analysis.stop_and_copy,
                "there is no pause without memory");
  if (analysis.ram) {
    check_ram(promises, *analysis.ram, analysis.vm.page_size.value_or(1));
    if (analysis.pages)
      check_pages(promises, *analysis.ram, *analysis.pages);
    check_rounds(promises, analysis);
    if (analysis.stop_and_copy)
      check_pause(promises, analysis);
  }
  if (analysis.postcopy)
    promises.hold(analysis.postcopy->answered <= analysis.postcopy->requests,
                  "not more requests are answered than there are");
  return promises.broken();
}

std::string unsound_what_if(const Analysis& analysis) {
  Promises promises;
  const WhatIf& found = *analysis.what_if;
  const RamTotals& totals = analysis.ram->totals;
  uint64_t unchanged = found.unchanged.pages + found.unchanged.zero_pages;
  promises.hold(found.ram_bytes == totals.bytes, "what was sent is the same");
  promises.hold(unchanged >= totals.same_content_resends &&
                    unchanged <= totals.resent_pages,
                "what had not changed was sent again");
  promises.hold(found.xbzrle.has_value() == found.no_xbzrle.empty(),
                "xbzrle is told of, or why not");
  if (found.xbzrle)
    for (const XbzrleCache& cache : found.xbzrle->caches) {
      promises.hold(cache.unchanged + cache.overflows <= cache.hits,
                    "what becomes of a hit is one thing");
      promises.hold(cache.hits + cache.misses <=
                        totals.unique_pages + totals.resent_pages,
                    "not more is in a cache, or not, than was sent");
    }
  for (const PackedSavings& packed : found.multifd)
    promises.hold(packed.sampled_pages <= packed.pages && packed.ratio > 0,
                  "a sample is of the whole");
  return promises.broken();
}

std::string unsound(const DeviceStates& states) {
  Promises promises;
  promises.all_of(unsound(states.input));
  for (const SavedDevice& device : states.devices) {
    uint64_t bytes = 0;
    for (const captures::Value& value : values_of(device).values)
      bytes += value.bytes.size();
    promises.hold(bytes == device.body.size(),
                  "the values of a device are all of its state");
  }
  return promises.broken();
}

std::string unsound(const MemoryReport& report) {
  Promises promises;
  promises.all_of(unsound(report.input));
  promises.hold(report.blocks.size() == report.block_list.size(),
                "every block is told of");
  for (const BlockReport& block : report.blocks)
    check_held(promises, block, report.page_size);
  check_layout(promises, report);
  return promises.broken();
}

std::string unsound(const Analysis& analysis, const MemoryReport& report) {
  Promises promises;
  if (!analysis.ram)
    return "";
  const auto& blocks = analysis.ram->blocks;
  if (blocks.size() != report.blocks.size())
    return "both tell of the same blocks";
  for (size_t i = 0; i < blocks.size(); ++i) {
    const HeldPages& held = report.blocks[i].held;
    promises.hold(held.data <= blocks[i].unique_pages,
                  "no page is held that was not sent");
    promises.hold(held.unknown - held.never_sent <= blocks[i].unique_pages,
                  "no page is of unknown content that was not sent");
  }
  return promises.broken();
}

} // namespace migscope::test
