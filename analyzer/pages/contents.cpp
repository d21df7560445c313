#include "analyzer/pages/contents.h"

#include <algorithm>
#include <cmath>

namespace migscope::analyzer {

void ContentCounter::keep(uint64_t digest) {
  kept_.push_back(digest);
  if (kept_.size() < 2 * kMost)
    return;
  remove_repeats();
  while (kept_.size() > kMost) {
    mask_ = mask_ << 1 | 1;
    std::erase_if(kept_, [this](uint64_t d) { return (d & mask_) != 0; });
  }
  sorted_ = kept_.size();
}

void ContentCounter::remove_repeats() {
  auto middle = kept_.begin() + static_cast<ptrdiff_t>(sorted_);
  std::sort(middle, kept_.end());
  std::inplace_merge(kept_.begin(), middle, kept_.end());
  kept_.erase(std::unique(kept_.begin(), kept_.end()), kept_.end());
  sorted_ = kept_.size();
}

Contents ContentCounter::count() {
  remove_repeats();
  auto in_sample = static_cast<double>(kept_.size());
  auto one_in = static_cast<double>(mask_ + 1);
  Contents out;
  out.pages = pages_;
  out.distinct = static_cast<uint64_t>(in_sample * one_in);
  // Each content is in the sample with a chance of 1 / one_in.
  if (mask_ != 0)
    out.error = std::sqrt(in_sample * (1 - 1 / one_in)) * one_in;
  return out;
}

} // namespace migscope::analyzer
