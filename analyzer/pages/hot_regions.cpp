#include "analyzer/pages/hot_regions.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Equally hot ones in the order of memory.
bool hotter(const HotStretch& a, const HotStretch& b) {
  if (a.heat.resent_pages != b.heat.resent_pages)
    return a.heat.resent_pages > b.heat.resent_pages;
  return std::pair(a.block, a.first_unit) < std::pair(b.block, b.first_unit);
}

} // namespace

Heat& Heat::operator+=(const Heat& other) {
  sent_pages += other.sent_pages;
  resent_pages += other.resent_pages;
  hot_pages += other.hot_pages;
  stop_copy_pages += other.stop_copy_pages;
  stop_copy_resent_pages += other.stop_copy_resent_pages;
  return *this;
}

void HotStretches::add(size_t block, uint64_t unit, const Heat& heat) {
  bool goes_on = open_.units > 0 && block == open_.block &&
                 unit == open_.first_unit + open_.units;
  if (heat.resent_pages == 0 || !goes_on)
    close();
  if (heat.resent_pages == 0)
    return;
  if (open_.units == 0)
    open_ = {block, unit, 0, {}};
  ++open_.units;
  open_.heat += heat;
}

void HotStretches::close() {
  if (open_.units > 0)
    kept_.push_back(open_);
  open_ = {};
  if (kept_.size() >= 2 * most_)
    drop_coldest();
}

void HotStretches::drop_coldest() {
  auto end = kept_.begin() + static_cast<ptrdiff_t>(most_);
  std::nth_element(kept_.begin(), end, kept_.end(), hotter);
  for (auto it = end; it != kept_.end(); ++it) {
    ++more_;
    more_resent_ += it->heat.resent_pages;
  }
  kept_.erase(end, kept_.end());
}

std::vector<HotStretch> HotStretches::take() {
  close();
  if (kept_.size() > most_)
    drop_coldest();
  std::sort(kept_.begin(), kept_.end(), hotter);
  return std::move(kept_);
}

} // namespace migscope::analyzer
