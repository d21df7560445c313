#include "captures/containers/qcow2_map.h"

#include "base/byte_order.h"
#include "captures/stream/limits.h"
#include "captures/stream/window.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr uint64_t kOffsetMask = 0x00fffffffffffe00; // bits 9 to 55
constexpr uint64_t kCompressed = 1ull << 62;
constexpr uint64_t kZero = 1;
constexpr unsigned kSubclusterBits = 5; // 32 of them in a cluster
constexpr uint64_t kL1EntryBytes = 8;

uint64_t low_bits(uint64_t value, unsigned bits) {
  return value & ((uint64_t{1} << bits) - 1);
}

tl::unexpected<Error> beyond(uint64_t offset, uint64_t file_bytes) {
  return fail({ErrorKind::truncated,
               fmt::format("expected a cluster of the saved state at {:#x}, "
                           "the file ends at {:#x}",
                           offset, file_bytes),
               {},
               std::min(offset, file_bytes)});
}

} // namespace

Qcow2Map::Qcow2Map(std::span<const std::byte> file, const Qcow2Image& image,
                   const Qcow2Snapshot& snapshot)
    : file_(file), bytes_(snapshot.state_bytes), l1_(snapshot.l1_offset),
      entries_(snapshot.l1_entries), cluster_bits_(image.cluster_bits),
      unit_bits_(cluster_bits_ - (image.extended_l2 ? kSubclusterBits : 0)),
      entry_bits_(image.extended_l2 ? 4 : 3),
      l1_span_bits_(2 * cluster_bits_ - entry_bits_) {}

Result<Qcow2Map> Qcow2Map::of(std::span<const std::byte> file,
                              const Qcow2Image& image,
                              const Qcow2Snapshot& snapshot) {
  Qcow2Map map(file, image, snapshot);
  if (snapshot.l1_entries > limits::kMaxL1Entries)
    return malformed(snapshot.l1_offset,
                     fmt::format("entries of the L1 table: expected at most "
                                 "{}, found {}",
                                 limits::kMaxL1Entries, snapshot.l1_entries));
  uint64_t at = snapshot.l1_offset;
  uint64_t table = snapshot.l1_entries * kL1EntryBytes;
  if (at > file.size() || table > file.size() - at)
    return fail({ErrorKind::truncated,
                 fmt::format("expected the snapshot's L1 table at {:#x} to "
                             "{:#x}, the file ends at {:#x}",
                             at, at + table, file.size()),
                 {},
                 file.size()});
  auto entries_for = [&](uint64_t bytes) {
    return (bytes >> map.l1_span_bits_) +
           (low_bits(bytes, map.l1_span_bits_) != 0 ? 1 : 0);
  };
  uint64_t before = entries_for(snapshot.disk_bytes);
  uint64_t need = before + entries_for(map.bytes_);
  if (need > snapshot.l1_entries)
    return malformed(at, fmt::format("the saved state's {} bytes need an L1 "
                                     "table of {} entries, found {}",
                                     map.bytes_, need, snapshot.l1_entries));
  map.l1_ += before * kL1EntryBytes;
  map.entries_ -= before;
  return map;
}

void Qcow2Map::take_all() {
  uint64_t last = entries_;
  auto has_table = [&](uint64_t entry) {
    return (number_at(l1_ + entry * kL1EntryBytes) & kOffsetMask) != 0;
  };
  while (last > 0 && !has_table(last - 1))
    --last;
  bytes_ = last << l1_span_bits_;
  // In the last table only: one that is empty is not looked behind.
  uint64_t begin = last == 0 ? 0 : (last - 1) << l1_span_bits_;
  while (bytes_ > begin && trim_unit()) {
  }
}

// False where the last unit is needed, or cannot be told.
bool Qcow2Map::trim_unit() {
  uint64_t position = bytes_ - (uint64_t{1} << unit_bits_);
  auto run = run_at(position);
  if (!run)
    return false;
  auto bytes = run->offset ? file_.subspan(*run->offset, run->bytes)
                           : std::span<const std::byte>();
  auto used = std::find_if(bytes.rbegin(), bytes.rend(),
                           [](std::byte b) { return b != std::byte{0}; });
  bytes_ = position + static_cast<uint64_t>(bytes.rend() - used);
  return used == bytes.rend();
}

uint64_t Qcow2Map::number_at(uint64_t offset) const {
  return load_be<uint64_t>(file_.data() + offset);
}

uint64_t Qcow2Map::left_in(unsigned bits, uint64_t position) const {
  return std::min((uint64_t{1} << bits) - low_bits(position, bits),
                  bytes_ - position);
}

Result<Qcow2Map::Run> Qcow2Map::run_at(uint64_t position) const {
  uint64_t entry_at = l1_ + (position >> l1_span_bits_) * kL1EntryBytes;
  uint64_t table = number_at(entry_at) & kOffsetMask;
  if (table == 0)
    return Run{{}, left_in(l1_span_bits_, position)};
  if (low_bits(table, cluster_bits_) != 0)
    return malformed(entry_at, fmt::format("L2 table: expected at a cluster's "
                                           "start, found at {:#x}",
                                           table));
  uint64_t size = uint64_t{1} << cluster_bits_;
  if (table > file_.size() || size > file_.size() - table)
    return beyond(table, file_.size());
  return run_in_table(table, position);
}

Result<Qcow2Map::Run> Qcow2Map::run_in_table(uint64_t table,
                                             uint64_t position) const {
  uint64_t index = low_bits(position, l1_span_bits_) >> cluster_bits_;
  uint64_t entry_at = table + (index << entry_bits_);
  uint64_t entry = number_at(entry_at);
  if (entry & kCompressed)
    return unsupported(entry_at, "a compressed cluster in the saved state, "
                                 "where no QEMU writes one");
  uint64_t cluster = entry & kOffsetMask;
  if (low_bits(cluster, cluster_bits_) != 0)
    return malformed(entry_at, fmt::format("cluster: expected at a multiple of "
                                           "its size, found at {:#x}",
                                           cluster));
  bool there = cluster != 0 && !(entry & kZero);
  if (unit_bits_ != cluster_bits_) {
    uint64_t unit = low_bits(position, cluster_bits_) >> unit_bits_;
    there = cluster != 0 && ((number_at(entry_at + 8) >> unit) & 1) != 0;
  }
  if (!there)
    return Run{{}, left_in(unit_bits_, position)};
  return data(cluster, position);
}

Result<Qcow2Map::Run> Qcow2Map::data(uint64_t cluster,
                                     uint64_t position) const {
  uint64_t offset = cluster + low_bits(position, cluster_bits_);
  if (offset >= file_.size())
    return beyond(offset, file_.size());
  uint64_t in_file = file_.size() - offset;
  return Run{offset, std::min(left_in(unit_bits_, position), in_file)};
}

} // namespace migscope::captures
