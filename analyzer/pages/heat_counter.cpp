#include "analyzer/pages/heat_counter.h"

#include <algorithm>
#include <numeric>

namespace migscope::analyzer {
namespace {

// About as many rows as a map on a screen has. Each block has one of its own
// besides.
constexpr uint64_t kMostBins = 512;
// 12 MiB of them.
constexpr size_t kMostCells = 1u << 20;

uint32_t clamped(uint64_t count) {
  return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
}

} // namespace

// Gives the number of bins.
uint64_t HeatCounter::lay_out() {
  uint64_t bins = 0;
  first_bins_.clear();
  for (uint64_t pages : block_pages_) {
    first_bins_.push_back(static_cast<uint32_t>(bins));
    bins += (pages >> shift_) + 1;
  }
  return bins;
}

void HeatCounter::set_blocks(std::span<const captures::RamBlock> blocks,
                             uint32_t page_size) {
  close();
  std::vector<uint64_t> all = block_pages_;
  for (const captures::RamBlock& block : blocks.subspan(block_pages_.size()))
    all.push_back(block.used_length / page_size);
  while (std::accumulate(all.begin(), all.end(), uint64_t{0},
                         [&](uint64_t sum, uint64_t pages) {
                           return sum + (pages >> shift_);
                         }) > kMostBins)
    coarsen();
  block_pages_ = std::move(all);
  open_.assign(lay_out(), {});
}

void HeatCounter::add(const SentRun& run) {
  if (run.section != section_)
    close();
  section_ = run.section;
  const uint64_t end = run.first + run.pages;
  for (uint64_t page = run.first; page < end;) {
    uint64_t unit = page >> shift_;
    uint64_t pages = std::min(end, (unit + 1) << shift_) - page;
    uint32_t bin = first_bins_[run.block] + static_cast<uint32_t>(unit);
    HeatCount& count = open_[bin];
    if (count.pages == 0)
      touched_.push_back(bin);
    count.pages += pages;
    count.resent += run.resent ? pages : 0;
    page += pages;
  }
}

void HeatCounter::close() {
  if (touched_.empty() || !complete_)
    return;
  std::ranges::sort(touched_);
  rows_.push_back({section_, static_cast<uint32_t>(cells_.size())});
  for (uint32_t bin : touched_) {
    cells_.push_back(
        {bin, clamped(open_[bin].pages), clamped(open_[bin].resent)});
    open_[bin] = {};
  }
  touched_.clear();
  while (cells_.size() > kMostCells) {
    if (open_.size() == block_pages_.size()) {
      complete_ = false;
      rows_.clear();
      cells_.clear();
      return;
    }
    coarsen();
  }
}

// Bins keep their order, so what becomes one stands side by side in a row.
void HeatCounter::coarsen() {
  std::vector<uint32_t> fine = first_bins_;
  ++shift_;
  uint64_t bins = lay_out();
  std::vector<uint32_t> coarse(open_.size());
  for (size_t block = 0; block < fine.size(); ++block) {
    size_t end = block + 1 < fine.size() ? fine[block + 1] : coarse.size();
    for (size_t bin = fine[block]; bin < end; ++bin)
      coarse[bin] =
          first_bins_[block] + static_cast<uint32_t>((bin - fine[block]) >> 1);
  }
  std::vector<Cell> cells;
  for (size_t i = 0; i < rows_.size(); ++i) {
    size_t end = i + 1 < rows_.size() ? rows_[i + 1].first : cells_.size();
    size_t begin = rows_[i].first;
    rows_[i].first = static_cast<uint32_t>(cells.size());
    for (size_t at = begin; at < end; ++at) {
      Cell cell = cells_[at];
      cell.bin = coarse[cell.bin];
      if (cells.size() > rows_[i].first && cells.back().bin == cell.bin) {
        Cell& sum = cells.back();
        sum.pages = clamped(uint64_t{sum.pages} + cell.pages);
        sum.resent = clamped(uint64_t{sum.resent} + cell.resent);
      } else {
        cells.push_back(cell);
      }
    }
  }
  cells_ = std::move(cells);
  open_.assign(bins, {});
}

} // namespace migscope::analyzer
