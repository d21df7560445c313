// The RAM block list at the head of section `ram` (QEMU migration/ram.c,
// ram_save_setup and ram_load_setup).
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

#include <unordered_map>

namespace migscope::captures {

// What decides the fields of an entry; none of it stands in the list.
struct RamListLayout {
  bool ignore_shared = false; // capability x-ignore-shared
  bool mapped_ram = false;    // capability mapped-ram
  // From POSTCOPY_ADVISE; zero without RAM postcopy.
  uint64_t advised_page_sizes = 0;
};

class RamBlockList {
public:
  // The list of a connection before this one.
  [[nodiscard]] Status adopt(std::vector<RamBlock> blocks);

  // A MEM_SIZE word at `offset` that promises `total` bytes.
  [[nodiscard]] Status begin(uint64_t offset, uint64_t total,
                             const RamListLayout& layout);
  // Takes entries. Done once the total is reached and no further entry stands
  // there.
  [[nodiscard]] Result<Step> decode(const Window& in);

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] std::span<const RamBlock> blocks() const { return blocks_; }
  [[nodiscard]] std::optional<uint32_t> find(std::string_view name) const;

private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  using Index =
      std::unordered_map<std::string, uint32_t, NameHash, std::equal_to<>>;

  [[nodiscard]] Result<Step> entry(const Window& in);
  void read_page_size(ItemReader& in, RamBlock& block) const;
  [[nodiscard]] Status check(const RamBlock& block, uint64_t offset) const;
  [[nodiscard]] Status add(RamBlock block, uint64_t offset);

  RamListLayout layout_;
  std::vector<RamBlock> blocks_;
  Index index_;
  uint64_t total_ = 0; // bytes promised
  uint64_t sum_ = 0;   // bytes of the entries so far
  bool begun_ = false;
};

} // namespace migscope::captures
