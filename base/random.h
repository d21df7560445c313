// Numbers that are random and yet the same on every system and with every
// library: for orders and samples that a seed stands for.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace migscope {

class SeededRandom {
public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}

  // From 0 to `bound` - 1, each alike; `bound` is not 0.
  // std::uniform_int_distribution may give other numbers elsewhere.
  uint64_t below(uint64_t bound) {
    uint64_t unfair = (UINT64_MAX % bound + 1) % bound;
    uint64_t value = engine_();
    while (value > UINT64_MAX - unfair)
      value = engine_();
    return value % bound;
  }

  // Fisher and Yates.
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(i)]);
  }

private:
  std::mt19937_64 engine_; // its numbers are the standard's
};

} // namespace migscope
