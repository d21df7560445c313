// Writes down what a multifd decoder tells, one line an event.
#pragma once

#include "captures/stream/multifd_channel.h"

#include <string>
#include <vector>

namespace migscope::test {

class MultifdLog : public captures::MultifdEvents {
public:
  void on_hello(const captures::MultifdHello& hello) override;
  void on_packet(const captures::MultifdPacket& packet) override;
  void on_sync(uint64_t offset) override;
  void on_device_state(const captures::MultifdDeviceState& state) override;
  void on_damage(const captures::Damage& damage) override;
  void on_problem(uint64_t offset, std::string_view message) override;

  std::vector<std::string> lines;
};

struct MultifdOutcome {
  std::vector<std::string> lines;
  std::string error; // "KIND at 0x..: MESSAGE" or empty
  uint64_t position = 0;
  bool operator==(const MultifdOutcome&) const = default;
};

// Feeds `bytes` in pieces that end at `cuts` (ascending) and at the end.
[[nodiscard]] MultifdOutcome
decode_multifd(std::span<const std::byte> bytes,
               const std::vector<size_t>& cuts = {}, uint32_t page_size = 4096);
[[nodiscard]] MultifdOutcome
decode_multifd_by_bytes(std::span<const std::byte> bytes,
                        uint32_t page_size = 4096);

} // namespace migscope::test
