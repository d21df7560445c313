// Which pages an xbzrle cache holds (QEMU migration/page_cache.c, 7.2 to 11.1).
#pragma once

#include "base/error.h"

#include <cstdint>
#include <span>

namespace migscope::analyzer {

// One slot for all pages whose number is the same modulo the number of slots.
// What a slot holds of its page is the content last sent, always, so that only
// page and age are kept: eight bytes a slot, committed when they are used.
class XbzrleSlots {
public:
  // `count` is a power of two. Fails where the address space does not suffice.
  [[nodiscard]] static Result<XbzrleSlots> make(uint64_t count);
  XbzrleSlots(XbzrleSlots&& other) noexcept;
  XbzrleSlots& operator=(XbzrleSlots&& other) noexcept;
  ~XbzrleSlots();

  // Whether the page is there; if so its age is `generation`, which counts
  // dirty-bitmap syncs.
  [[nodiscard]] bool hit(uint64_t page, uint64_t generation);
  // Puts it in, unless the slot holds another page that was used in this
  // generation or the one before.
  void insert(uint64_t page, uint64_t generation);

private:
  struct Slot {
    uint64_t tag : 40; // page / count + 1; 0: empty
    uint64_t age : 24; // a stream has at most 1'000'000 RAM sections
  };

  explicit XbzrleSlots(std::span<Slot> slots) : slots_(slots) {}
  [[nodiscard]] Slot& slot(uint64_t page) {
    return slots_[page & (slots_.size() - 1)];
  }
  [[nodiscard]] uint64_t tag(uint64_t page) const {
    return page / slots_.size() + 1;
  }

  std::span<Slot> slots_; // mapped
};

} // namespace migscope::analyzer
