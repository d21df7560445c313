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
  // Takes one entry. Done, with nothing taken, once the total is reached and no
  // further entry stands there.
  [[nodiscard]] Result<Step> decode(const Window& in, uint32_t page_size);
  // No more of it can be read. The entries so far stay, but it is not known
  // that they are right, nor that they are all.
  void break_off() { broken_ = true; }

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] std::span<const RamBlock> blocks() const { return blocks_; }
  [[nodiscard]] std::optional<uint32_t> find(std::string_view name) const;
  // The block that a page at `address` must be of, as all others are shorter.
  [[nodiscard]] std::optional<uint32_t> only_holder(uint64_t address) const;

private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  using Index =
      std::unordered_map<std::string, uint32_t, NameHash, std::equal_to<>>;

  [[nodiscard]] Result<Step> entry(const Window& in, uint32_t page_size);
  void read_page_size(ItemReader& in, RamBlock& block) const;
  [[nodiscard]] Status check(const RamBlock& block, uint64_t offset) const;
  [[nodiscard]] Status add(RamBlock block, uint64_t offset);

  RamListLayout layout_;
  std::vector<RamBlock> blocks_;
  Index index_;
  uint64_t total_ = 0;          // bytes promised
  uint64_t sum_ = 0;            // bytes of the entries so far
  uint32_t longest_ = 0;        // index
  uint64_t second_longest_ = 0; // bytes of the longest beside it
  bool begun_ = false;
  bool complete_ = false;
  bool broken_ = false;
};

} // namespace migscope::captures
