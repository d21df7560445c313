// Decoder of one multifd channel (QEMU migration/multifd.c, 7.2 to 11.1).
//
// Like StreamDecoder: bytes in, events out, no I/O, bounded memory, hostile
// input. It keeps one packet, under a ceiling of limits.h.
#pragma once

#include "captures/stream/events.h"

#include <array>
#include <memory>

namespace migscope::captures {

struct MultifdHello {
  uint8_t id = 0; // 0 .. channels - 1, in no order with the connections
  std::array<std::byte, 16> uuid{}; // all zero without -uuid
};

// From the flags of a data packet.
enum class MultifdMethod : uint8_t {
  none,
  zlib,
  zstd,
  qpl,    // content not read
  uadk,   // content not read
  qatzip, // content not read
  unknown,
};

struct MultifdPacket {
  uint64_t offset = 0; // of the packet's magic
  uint32_t flags = 0;
  // A hint only: not unique up to 8.2, of filling order later.
  uint64_t packet_num = 0;
  MultifdMethod method = MultifdMethod::none;
  std::string_view block;
  std::span<const uint64_t> normal; // byte offsets in the block
  std::span<const uint64_t> zero;
  // The normal pages back to back, decompressed; empty where they could not be
  // read: a method that is not decoded, or a zlib or zstd channel that lost a
  // packet, whose later ones need it.
  std::span<const std::byte> pages;
  uint32_t header_bytes = 0;
  uint32_t payload_bytes = 0; // as on the wire
};

class MultifdEvents {
public:
  virtual ~MultifdEvents() = default;
  virtual void on_hello(const MultifdHello&) {}
  // Only packets with pages.
  virtual void on_packet(const MultifdPacket&) {}
  // The channel has reached the end of an epoch; told after on_packet where
  // one packet is both (up to 8.2).
  virtual void on_sync(uint64_t /*offset*/) {}
  virtual void on_device_state(const MultifdDeviceState&) {}
  virtual void on_damage(const Damage&) {}
  virtual void on_problem(uint64_t /*offset*/, std::string_view /*message*/) {}
};

class MultifdDecoder {
public:
  // `events` outlives the decoder. `page_size`: bytes of a target page, a power
  // of two within limits.h.
  MultifdDecoder(MultifdEvents& events, uint32_t page_size);
  ~MultifdDecoder();

  // Decodes until a packet with pages or SYNC has been told or all is used, and
  // says how many bytes it took: fewer than there are only after such a packet,
  // whose contents stay where they are until the next call. A packet that makes
  // no sense is left out up to the next plausible packet header (on_damage). An
  // error is final, as StreamDecoder's: the hello is none.
  [[nodiscard]] Result<size_t> feed(std::span<const std::byte> bytes);
  // No more bytes will come. Kind truncated where a packet is cut.
  [[nodiscard]] Status finish();
  // The offset of the first byte not told of.
  [[nodiscard]] uint64_t position() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace migscope::captures
