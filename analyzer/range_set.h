// Byte ranges that do not overlap.
#pragma once

#include <cstdint>
#include <map>

namespace migscope::analyzer {

class RangeSet {
public:
  // [start, end) is in the set from here on, or is not.
  void add(uint64_t start, uint64_t end);
  void remove(uint64_t start, uint64_t end);

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  // Separate ranges, which is what the set's memory goes by.
  [[nodiscard]] size_t count() const { return ranges_.size(); }

private:
  std::map<uint64_t, uint64_t> ranges_; // end by start
  uint64_t bytes_ = 0;
};

} // namespace migscope::analyzer
