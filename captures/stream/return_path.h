// Decoder of the return path, destination to source (QEMU migration/savevm.c
// and migration.c, migrate_send_rp_*; 7.2 to 11.1).
#pragma once

#include "captures/stream/events.h"

#include <memory>

namespace migscope::captures {

enum class ReturnMessage : uint16_t {
  shut = 1,           // MIG_RP_MSG_SHUT
  pong = 2,           // MIG_RP_MSG_PONG
  req_pages_id = 3,   // MIG_RP_MSG_REQ_PAGES_ID
  req_pages = 4,      // MIG_RP_MSG_REQ_PAGES
  recv_bitmap = 5,    // MIG_RP_MSG_RECV_BITMAP
  resume_ack = 6,     // MIG_RP_MSG_RESUME_ACK
  switchover_ack = 7, // MIG_RP_MSG_SWITCHOVER_ACK, 8.1+
};

// "REQ_PAGES"
[[nodiscard]] std::string_view name_of(ReturnMessage message);

// Guest memory the destination waits for.
struct PageRequest {
  uint64_t offset = 0;    // of the message
  std::string_view block; // also where the message leaves it out
  uint64_t address = 0;   // byte offset in the block
  uint32_t length = 0;    // bytes: the block's page size
};

// What the destination has of a block, after a postcopy pause.
struct ReceivedBitmap {
  uint64_t offset = 0;
  std::string_view block;
  // Bit i of byte i / 8: page i was received.
  std::span<const std::byte> bits;
};

class ReturnEvents {
public:
  virtual ~ReturnEvents() = default;
  virtual void on_shut(uint64_t /*offset*/, uint32_t /*status: 0 good*/) {}
  virtual void on_pong(uint64_t /*offset*/, uint32_t /*value*/) {}
  virtual void on_page_request(const PageRequest&) {}
  virtual void on_received_bitmap(const ReceivedBitmap&) {}
  virtual void on_resume_ack(uint64_t /*offset*/, uint32_t /*value*/) {}
  virtual void on_switchover_ack(uint64_t /*offset*/) {}
};

class ReturnPathDecoder {
public:
  // `events` outlives the decoder.
  explicit ReturnPathDecoder(ReturnEvents& events);
  ~ReturnPathDecoder();

  // As StreamDecoder's. An error is final: nothing marks the next message.
  [[nodiscard]] Status feed(std::span<const std::byte> bytes);
  [[nodiscard]] Status finish();
  [[nodiscard]] uint64_t position() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace migscope::captures
