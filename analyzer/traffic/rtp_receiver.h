// One RTP stream as a receiver sees it: RFC 3550, A.1, A.3 and A.8.
#pragma once

#include "analyzer/service/jitter.h"
#include "analyzer/traffic/rtp_header.h"
#include "analyzer/traffic/traffic.h"
#include "base/clock.h"

#include <bitset>

namespace migscope::analyzer {

class RtpReceiver {
public:
  // `dynamic_hz`: the clock of dynamic payload types, where it is known.
  explicit RtpReceiver(std::optional<uint32_t> dynamic_hz)
      : dynamic_hz_(dynamic_hz) {}

  void add(const RtpHeader& rtp, WallTime at);

  // Sets loss, reordering, duplicates, jitter and `rtp` of `out`. Unlike A.3,
  // a packet that came twice makes up for none that was lost.
  void tell(TrafficDirection& out) const;

private:
  // So many places back it is known which came; more than kMaxMisorder.
  static constexpr size_t kWindow = 2048;

  [[nodiscard]] std::optional<uint32_t> clock_of(uint8_t payload_type) const;
  // False where the packet is too far from all others to be counted.
  bool take_sequence(const RtpHeader& rtp, WallTime at);
  // A gap as long as the stream was silent for.
  [[nodiscard]] bool is_dropout(const RtpHeader& rtp, WallTime at) const;
  void begin(uint16_t sequence);
  void advance(int64_t to);
  void take_old(int64_t place);
  void take_transit(const RtpHeader& rtp, WallTime at);

  std::optional<uint32_t> dynamic_hz_;
  bool begun_ = false, restarted_ = false;
  int64_t base_ = 0, newest_ = 0; // places: sequence numbers that do not wrap
  uint32_t newest_timestamp_ = 0; // of the newest place
  WallTime newest_at_;
  std::optional<uint16_t> strange_; // the number that would follow on it
  std::bitset<kWindow> seen_;       // by place
  uint64_t expected_before_ = 0;    // before the last restart
  uint64_t received_ = 0, reordered_ = 0, duplicates_ = 0;
  WallTime first_at_;
  uint32_t timestamp_ = 0; // of the packet before
  int64_t media_ticks_ = 0;
  double transit_ms_ = 0, shift_ms_ = 0;
  Jitter jitter_;
  RtpFigures figures_;
};

} // namespace migscope::analyzer
