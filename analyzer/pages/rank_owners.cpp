#include "analyzer/pages/owned_stretches.h"
#include "analyzer/stream_model.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// The ranking's length; what comes after is summed up.
constexpr size_t kMostOwners = 100;

void add(OwnerCost& cost, const PageState& state, bool in_pause) {
  ++cost.pages;
  cost.resent_pages += state.sends - 1u;
  cost.hot_pages += state.sends > 1;
  cost.stop_copy_pages += in_pause;
  cost.stop_copy_bytes += in_pause ? state.wire_bytes : 0;
}

void add(OwnerCost& sum, const OwnerCost& cost) {
  sum.pages += cost.pages;
  sum.resent_pages += cost.resent_pages;
  sum.hot_pages += cost.hot_pages;
  sum.stop_copy_pages += cost.stop_copy_pages;
  sum.stop_copy_bytes += cost.stop_copy_bytes;
}

class Ranking {
public:
  explicit Ranking(const Owners& owners) : owners_(owners) {
    for (const auto& names : owners.names)
      costs_.emplace_back(names.size());
  }

  void owned(size_t range, const PageState& state, bool in_pause) {
    const size_t columns = owners_.columns.size();
    for (size_t c = 0; c < columns; ++c)
      add(costs_[c][owners_.ids[range * columns + c]], state, in_pause);
  }
  void unowned(const PageState& state, bool in_pause) {
    add(unowned_, state, in_pause);
  }

  [[nodiscard]] std::vector<OwnerRanking> take() {
    std::vector<OwnerRanking> out;
    for (size_t c = 0; c < owners_.columns.size(); ++c)
      out.push_back(ranking(c));
    return out;
  }

private:
  [[nodiscard]] OwnerRanking ranking(size_t column);

  const Owners& owners_;
  std::vector<std::vector<OwnerCost>> costs_; // by column and name
  OwnerCost unowned_;
};

OwnerRanking Ranking::ranking(size_t column) {
  OwnerRanking out;
  out.column = owners_.columns[column];
  out.unowned = unowned_;
  for (size_t i = 0; i < costs_[column].size(); ++i) {
    OwnerCost& cost = costs_[column][i];
    cost.name = owners_.names[column][i];
    if (cost.pages > 0)
      out.owners.push_back(std::move(cost));
  }
  std::ranges::stable_sort(out.owners, std::greater(), [](const OwnerCost& c) {
    return std::tuple(c.stop_copy_bytes, c.resent_pages, c.pages);
  });
  while (out.owners.size() > kMostOwners) {
    add(out.more, out.owners.back());
    ++out.more_owners;
    out.owners.pop_back();
  }
  return out;
}

} // namespace

std::vector<OwnerRanking> rank_owners(const StreamModel& model,
                                      const RoundsOfPages& rounds,
                                      const GuestLayout& layout,
                                      const Owners& owners) {
  const uint64_t page_size = model.ledger().page_size();
  const uint32_t pause = rounds.first_pause_section();
  Ranking ranking(owners);
  for (size_t block = 0; block < model.ledger().blocks(); ++block) {
    auto stretches = owned_stretches(block, layout, owners);
    auto at = stretches.begin();
    model.ledger().for_each_sent(
        block, [&](uint64_t page, const PageState& state) {
          uint64_t start = page * page_size;
          while (at != stretches.end() && at->end <= start)
            ++at;
          bool in_pause = state.last_section >= pause;
          // A page that two share is the first one's.
          if (at != stretches.end() && at->start < start + page_size)
            ranking.owned(at->range, state, in_pause);
          else
            ranking.unowned(state, in_pause);
        });
  }
  return ranking.take();
}

} // namespace migscope::analyzer
