#include "analyzer/what_if/xbzrle_slots.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <utility>

namespace migscope::analyzer {
namespace {

// CACHED_PAGE_LIFETIME
constexpr uint64_t kLifetime = 2;
// Of the bits that are kept; no page or generation of a stream has more.
constexpr uint64_t kTagMask = (1ull << 40) - 1, kAgeMask = (1u << 24) - 1;

} // namespace

Result<XbzrleSlots> XbzrleSlots::make(uint64_t count) {
  void* at = mmap(nullptr, count * sizeof(Slot), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return fail(
        ErrorKind::unsupported,
        fmt::format("no room to follow an xbzrle cache of {} pages", count));
  return XbzrleSlots(std::span(static_cast<Slot*>(at), count));
}

XbzrleSlots::XbzrleSlots(XbzrleSlots&& other) noexcept
    : slots_(std::exchange(other.slots_, {})) {}

XbzrleSlots& XbzrleSlots::operator=(XbzrleSlots&& other) noexcept {
  std::swap(slots_, other.slots_);
  return *this;
}

XbzrleSlots::~XbzrleSlots() {
  if (!slots_.empty())
    munmap(slots_.data(), slots_.size_bytes());
}

bool XbzrleSlots::hit(uint64_t page, uint64_t generation) {
  Slot& there = slot(page);
  if (there.tag != tag(page))
    return false;
  there.age = generation & kAgeMask;
  return true;
}

void XbzrleSlots::insert(uint64_t page, uint64_t generation) {
  Slot& there = slot(page);
  bool fresh = there.age + kLifetime > generation;
  if (there.tag != 0 && there.tag != tag(page) && fresh)
    return;
  there.tag = tag(page) & kTagMask;
  there.age = generation & kAgeMask;
}

} // namespace migscope::analyzer
