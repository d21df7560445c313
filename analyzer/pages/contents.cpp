#include "analyzer/pages/contents.h"

#include <cmath>
#include <random>
#include <utility>

namespace migscope::analyzer {
namespace {

constexpr size_t kFirstSlots = 1u << 12;

uint64_t random_odd() {
  std::random_device random;
  return uint64_t{random()} << 32 | random() | 1;
}

} // namespace

ContentCounter::ContentCounter() : slots_(kFirstSlots), factor_(random_odd()) {}

uint64_t& ContentCounter::slot_of(uint64_t digest) {
  // The number of slots is a power of two.
  size_t at = (digest * factor_ >> 32) & (slots_.size() - 1);
  while (slots_[at] != 0 && slots_[at] != digest)
    at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void ContentCounter::keep(uint64_t digest) {
  if (std::exchange(slot_of(digest), digest) == digest)
    return;
  ++kept_;
  if (kept_ <= kMost && 2 * kept_ > slots_.size())
    rebuild(2 * slots_.size());
  while (kept_ > kMost) {
    mask_ = mask_ << 1 | 1;
    rebuild(slots_.size());
  }
}

void ContentCounter::rebuild(size_t slots) {
  std::vector<uint64_t> old(slots);
  old.swap(slots_);
  kept_ = 0;
  for (uint64_t digest : old)
    if (digest != 0 && (digest & mask_) == 0) {
      slot_of(digest) = digest;
      ++kept_;
    }
}

Contents ContentCounter::count() const {
  auto in_sample = static_cast<double>(kept_);
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
