#include "analyzer/what_if/packet_trial.h"

#include <cmath>

namespace migscope::analyzer {
namespace {

// QEMU migration/multifd.h, 7.2 to 11.1: MULTIFD_PACKET_SIZE; the packet's head
// with an offset for each page that has room, used or not.
constexpr uint64_t kPacketBytes = 512u << 10;
constexpr uint64_t kHeadBytes = 320, kOffsetBytes = 8;
// Page word and fill byte of a zero page on the main channel.
constexpr uint64_t kZeroBytes = 9;
// Of multifd-zlib-level and multifd-zstd-level, the defaults of both.
constexpr int kLevel = 1;
// The first one is not counted.
constexpr uint64_t kClusterPackets = 2;

// splitmix64's finish: neighbours have nothing in common.
uint64_t scrambled(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

std::optional<double> twice(std::optional<double> error) {
  return error ? std::optional(2 * *error) : std::nullopt;
}

} // namespace

PacketTrial::PacketTrial(const PacketRules& rules, uint64_t pages,
                         uint64_t most, CpuClock clock)
    : rules_(rules), clock_(std::move(clock)), every_(pages / most + 1),
      whole_(pages <= most) {
  methods_.push_back({.name = "zlib", .make = captures::zlib_packer});
  methods_.push_back({.name = "zstd", .make = captures::zstd_packer});
}

bool PacketTrial::chosen() const {
  uint64_t cluster = packets_ / kClusterPackets;
  return whole_ || cluster % every_ == scrambled(cluster / every_) % every_;
}

bool PacketTrial::first_of_cluster() const {
  return whole_ ? packets_ == 0 : packets_ % kClusterPackets == 0;
}

Status PacketTrial::take(const TriedSend& send) {
  const captures::PageItem& item = send.item;
  bool wraps = rules_.scan_order && !rules_.flush_sections &&
               block_ == item.block && item.address <= address_;
  if ((block_ != item.block || wraps) && slots_ > 0)
    if (auto done = end_packet(); !done)
      return done;
  block_ = item.block;
  address_ = item.address;
  bool zero = send.page.held == Held::zero;
  if (zero && !rules_.zero_in_packets) {
    other_bytes_ += kZeroBytes;
    return {};
  }
  pages_ += !zero;
  // Empty where it could not be read: its share of the packed bytes counts.
  if (chosen())
    packet_.insert(packet_.end(), send.page.content.begin(),
                   send.page.content.end());
  if (++slots_ < kPacketBytes / rules_.page_size)
    return {};
  return end_packet();
}

Status PacketTrial::end_section() {
  return rules_.flush_sections && slots_ > 0 ? end_packet() : Status();
}

Status PacketTrial::end_packet() {
  if (chosen()) {
    bool counted = whole_ || !first_of_cluster();
    for (Method& method : methods_)
      if (auto packed = pack(method, counted); !packed)
        return packed;
    sampled_pages_ += counted ? packet_.size() / rules_.page_size : 0;
  }
  packet_.clear();
  slots_ = 0;
  ++packets_;
  return {};
}

Status PacketTrial::pack(Method& method, bool counted) {
  if (first_of_cluster() || !method.packer)
    method.packer = method.make(kLevel, rules_.page_size);
  if (packet_.empty())
    return {};
  double start = clock_();
  auto bytes = method.packer->pack(packet_);
  double seconds = clock_() - start;
  if (!bytes)
    return fail(bytes.error());
  if (!counted)
    return {};
  auto plain = static_cast<double>(packet_.size());
  method.bytes.add(plain, static_cast<double>(*bytes));
  method.seconds.add(plain / rules_.page_size, seconds);
  return {};
}

Result<std::vector<PackedSavings>> PacketTrial::finish() {
  if (slots_ > 0)
    if (auto done = end_packet(); !done)
      return fail(done.error());
  std::vector<PackedSavings> out;
  for (const Method& method : methods_)
    if (method.bytes.clusters() > 0)
      out.push_back(savings(method));
  return out;
}

PackedSavings PacketTrial::savings(const Method& method) const {
  PackedSavings out{.method = method.name, .level = kLevel, .pages = pages_};
  out.sampled_pages = sampled_pages_;
  double plain = static_cast<double>(pages_) * rules_.page_size;
  double packed = method.bytes.ratio();
  double share = whole_ ? 1
                        : static_cast<double>(sampled_pages_) /
                              static_cast<double>(pages_);
  auto error =
      whole_ ? std::optional(0.0) : twice(method.bytes.standard_error(share));
  uint64_t heads =
      packets_ *
      (kHeadBytes + kOffsetBytes * (kPacketBytes / rules_.page_size));
  out.ram_bytes = heads + other_bytes_ +
                  static_cast<uint64_t>(std::llround(packed * plain));
  out.ratio = packed > 0 ? 1 / packed : 0;
  if (error) {
    out.ratio_error = *error * out.ratio * out.ratio;
    out.ram_bytes_error = static_cast<uint64_t>(std::llround(*error * plain));
  }
  out.cpu_us_per_page = method.seconds.ratio() * 1e6;
  // Of a time there is one measurement, however much was measured.
  if (auto seconds = twice(method.seconds.standard_error(0)))
    out.cpu_us_error = *seconds * 1e6;
  return out;
}

} // namespace migscope::analyzer
