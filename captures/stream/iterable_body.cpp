#include "captures/stream/iterable_body.h"

#include "captures/stream/limits.h"

#include <array>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// QEMU migration/block.c: BLK_MIG_FLAG_*, BLK_MIG_BLOCK_SIZE.
constexpr uint64_t kBlockFlagMask = 0x1ff;
constexpr uint64_t kBlockData = 0x01;
constexpr uint64_t kBlockEos = 0x02;
constexpr uint64_t kBlockProgress = 0x04;
constexpr uint64_t kBlockZero = 0x08;
constexpr size_t kBlockBytes = 1u << 20;

// QEMU migration/block-dirty-bitmap.c: DIRTY_BITMAP_MIG_FLAG_*.
constexpr uint8_t kBitmapEos = 0x01;
constexpr uint8_t kBitmapZeroes = 0x02;
constexpr uint8_t kBitmapName = 0x04;
constexpr uint8_t kBitmapDevice = 0x08;
constexpr uint8_t kBitmapStart = 0x10;
constexpr uint8_t kBitmapComplete = 0x20;
constexpr uint8_t kBitmapBits = 0x40;
constexpr uint8_t kBitmapMoreFlags = 0x80;

// QEMU hw/s390x/s390-stattrib.c: STATTR_FLAG_*, below the address.
constexpr uint64_t kStorageFlagMask = 0xfff;
constexpr uint64_t kStorageEos = 0x01;
constexpr uint64_t kStorageMore = 0x02;
constexpr uint64_t kStorageError = 0x04;
constexpr uint64_t kStorageDone = 0x08;

// QEMU hw/vfio/migration.c: VFIO_MIG_FLAG_*, in the low half of a be64 whose
// high half is all ones.
constexpr uint64_t kVfioTags = 0xffffffffef100000;
constexpr uint64_t kVfioEnd = kVfioTags | 1;
constexpr uint64_t kVfioConfig = kVfioTags | 2;
constexpr uint64_t kVfioSetup = kVfioTags | 3;
constexpr uint64_t kVfioData = kVfioTags | 4;
constexpr uint64_t kVfioInitDataSent = kVfioTags | 5;    // 8.1+
constexpr uint64_t kVfioConfigLoadReady = kVfioTags | 6; // 10.1+
constexpr std::array<std::byte, 8> kVfioEndBytes = {
    std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
    std::byte{0xef}, std::byte{0x10}, std::byte{0x00}, std::byte{0x01}};

constexpr uint32_t kNoHtab = 0xffffffff;
constexpr size_t kHtabEntryBytes = 16;

Step finished(const ItemReader& in, bool done) {
  return in.is_short() ? in.wait() : Step{in.used(), 0, done};
}

// A payload whose length, a be64, comes first.
Status take_sized(ItemReader& in, uint64_t offset, std::string_view what) {
  auto size = in.be<uint64_t>();
  if (size > limits::kMaxDeviceBytes)
    return malformed(offset, fmt::format("{} of {:#x} bytes, expected at most "
                                         "{:#x}",
                                         what, size, limits::kMaxDeviceBytes));
  in.take(size);
  return {};
}

Result<Step> block_item(const Window& window) {
  ItemReader in(window);
  auto flags = in.be<uint64_t>() & kBlockFlagMask;
  if (in.is_short())
    return in.wait();
  if (flags == kBlockEos)
    return Step{in.used(), 0, true};
  if (flags == kBlockProgress)
    return in.taken();
  if ((flags & ~kBlockZero) != kBlockData)
    return malformed(window.offset,
                     fmt::format("block migration item with flags {:#05x}, "
                                 "expected data, zero data, progress or EOS",
                                 flags));
  in.counted_string(); // device
  if ((flags & kBlockZero) == 0)
    in.take(kBlockBytes);
  return finished(in, false);
}

Result<Step> bitmap_item(const Window& window) {
  ItemReader in(window);
  auto flags = in.be<uint8_t>();
  if ((flags & kBitmapMoreFlags) != 0)
    return malformed(window.offset, "dirty bitmap item with more than eight "
                                    "flags, which no QEMU up to 11.1 sends");
  if ((flags & kBitmapDevice) != 0)
    in.counted_string();
  if ((flags & kBitmapName) != 0)
    in.counted_string();
  if ((flags & kBitmapStart) != 0) {
    in.be<uint32_t>(); // granularity
    in.be<uint8_t>();  // flags of the bitmap
  } else if ((flags & kBitmapBits) != 0) {
    in.be<uint64_t>(); // first sector
    in.be<uint32_t>(); // sectors
    if ((flags & kBitmapZeroes) == 0)
      if (Status t = take_sized(in, window.offset, "dirty bitmap data"); !t)
        return fail(t.error());
  } else if ((flags & (kBitmapComplete | kBitmapEos)) == 0 && !in.is_short()) {
    return malformed(window.offset,
                     fmt::format("dirty bitmap item with flags {:#04x}, "
                                 "expected START, BITS, COMPLETE or EOS",
                                 flags));
  }
  return finished(in, (flags & kBitmapEos) != 0);
}

Result<Step> storage_item(const Window& window) {
  ItemReader in(window);
  auto flags = in.be<uint64_t>() & kStorageFlagMask;
  if (in.is_short())
    return in.wait();
  switch (flags) {
  case kStorageEos:
    return Step{in.used(), 0, true};
  case kStorageMore:
    if (Status t = take_sized(in, window.offset, "storage attributes"); !t)
      return fail(t.error());
    return finished(in, false);
  case kStorageError:
  case kStorageDone:
    return in.taken();
  default:
    return malformed(window.offset,
                     fmt::format("storage attributes item with flags {:#05x}, "
                                 "expected MORE, ERROR, DONE or EOS",
                                 flags));
  }
}

} // namespace

Grammar grammar_of(std::string_view idstr) {
  if (idstr == "block")
    return Grammar::block;
  if (idstr == "dirty-bitmap")
    return Grammar::dirty_bitmap;
  if (idstr == "spapr/htab")
    return Grammar::htab;
  if (idstr == "s390-storage_attributes")
    return Grammar::s390_storage;
  if (idstr.ends_with("/vfio"))
    return Grammar::vfio;
  return Grammar::unknown;
}

void IterableBody::begin(const SectionHeader& section) {
  id_ = section.id;
  kind_ = section.kind;
  grammar_ = grammar_of(section.idstr);
  first_ = true;
  scanning_ = grammar_ == Grammar::unknown;
  scan_.begin(id_);
}

Result<Step> IterableBody::decode(const Window& in,
                                  const SectionContext& context) {
  size_t at = 0;
  while (!scanning_) {
    auto step = item(in.from(at));
    if (!step)
      return step;
    at += step->used;
    if (step->need > 0 || step->done)
      return Step{at, step->need, step->done};
    first_ = false;
  }
  auto step = scan_.find(in.from(at), context);
  if (step)
    step->used += at;
  return step;
}

Result<Step> IterableBody::item(const Window& in) {
  switch (grammar_) {
  case Grammar::block:
    return block_item(in);
  case Grammar::dirty_bitmap:
    return bitmap_item(in);
  case Grammar::htab:
    return htab(in);
  case Grammar::s390_storage:
    return storage_item(in);
  default:
    return vfio(in);
  }
}

// START is one word, the hash table's shift. PART and END begin with one too,
// which is all of the body where there is no table in the host's hands.
Result<Step> IterableBody::htab(const Window& window) {
  ItemReader in(window);
  if (first_) {
    auto word = in.be<uint32_t>();
    return finished(in, kind_ == SectionKind::start || word == kNoHtab);
  }
  auto index = in.be<uint32_t>();
  auto valid = in.be<uint16_t>();
  auto invalid = in.be<uint16_t>();
  in.take(valid * kHtabEntryBytes);
  return finished(in, index == 0 && valid == 0 && invalid == 0);
}

Result<Step> IterableBody::vfio(const Window& window) {
  ItemReader in(window);
  auto tag = in.be<uint64_t>();
  if (in.is_short())
    return in.wait();
  switch (tag) {
  case kVfioEnd:
  case kVfioInitDataSent:
  case kVfioConfigLoadReady:
    return Step{in.used(), 0, true};
  case kVfioSetup:
    return in.taken();
  case kVfioConfig:
    // The device's own state follows, without a length, then the END tag.
    scanning_ = true;
    scan_.begin(id_, kVfioEndBytes);
    return in.taken();
  case kVfioData:
    if (Status t = take_sized(in, window.offset, "vfio data"); !t)
      return fail(t.error());
    return finished(in, false);
  default:
    return malformed(window.offset,
                     fmt::format("vfio tag {:#018x}, expected {:#018x} to "
                                 "{:#018x}",
                                 tag, kVfioEnd, kVfioConfigLoadReady));
  }
}

} // namespace migscope::captures
