#include "analyzer/traffic/rtp_receiver.h"

#include <algorithm>
#include <cmath>

namespace migscope::analyzer {
namespace {

// Of RFC 3550, A.1.
constexpr int kMaxDropout = 3000, kMaxMisorder = 100;
constexpr double kDropoutSlackMs = 1000;

} // namespace

std::optional<uint32_t> RtpReceiver::clock_of(uint8_t payload_type) const {
  return payload_type >= 96 ? dynamic_hz_ : static_clock_hz(payload_type);
}

void RtpReceiver::begin(uint16_t sequence) {
  if (begun_) {
    expected_before_ += static_cast<uint64_t>(newest_ - base_ + 1);
    ++figures_.restarts;
    restarted_ = true;
  }
  begun_ = true;
  // With room for packets before the first one.
  base_ = newest_ = sequence + 65536;
  strange_.reset();
  seen_.reset();
  seen_.set(static_cast<size_t>(newest_) % kWindow);
  ++received_;
}

void RtpReceiver::add(const RtpHeader& rtp, WallTime at) {
  auto& types = figures_.payload_types;
  if (std::ranges::find(types, rtp.payload_type) == types.end())
    types.push_back(rtp.payload_type);
  if (!begun_) {
    figures_.ssrc = rtp.ssrc;
    figures_.clock_hz = clock_of(rtp.payload_type);
    first_at_ = newest_at_ = at;
    timestamp_ = newest_timestamp_ = rtp.timestamp;
    begin(rtp.sequence);
  } else if (!take_sequence(rtp, at)) {
    return;
  }
  take_transit(rtp, at);
}

bool RtpReceiver::is_dropout(const RtpHeader& rtp, WallTime at) const {
  if (!figures_.clock_hz || clock_of(rtp.payload_type) != figures_.clock_hz)
    return false;
  double media_ms = static_cast<int32_t>(rtp.timestamp - newest_timestamp_) *
                    1000.0 / *figures_.clock_hz;
  double passed_ms = to_ms(at - newest_at_);
  return std::fabs(media_ms - passed_ms) < kDropoutSlackMs;
}

bool RtpReceiver::take_sequence(const RtpHeader& rtp, WallTime at) {
  auto step = static_cast<int16_t>(
      static_cast<uint16_t>(rtp.sequence - static_cast<uint16_t>(newest_)));
  if (step >= -kMaxMisorder && step <= 0) {
    take_old(newest_ + step);
    return true;
  }
  int forward = step > 0 ? step : step + 65536;
  if (forward < kMaxDropout || is_dropout(rtp, at)) {
    strange_.reset();
    advance(newest_ + forward);
  } else if (strange_ == rtp.sequence) {
    // Two that follow on each other: the sender began anew with the first.
    begin(static_cast<uint16_t>(rtp.sequence - 1));
    --figures_.strange;
    advance(newest_ + 1);
  } else {
    strange_ = static_cast<uint16_t>(rtp.sequence + 1);
    ++figures_.strange;
    return false;
  }
  newest_timestamp_ = rtp.timestamp;
  newest_at_ = at;
  return true;
}

void RtpReceiver::advance(int64_t to) {
  if (to - newest_ >= static_cast<int64_t>(kWindow))
    seen_.reset();
  else
    for (int64_t place = newest_ + 1; place <= to; ++place)
      seen_.reset(static_cast<size_t>(place) % kWindow);
  newest_ = to;
  seen_.set(static_cast<size_t>(to) % kWindow);
  ++received_;
}

void RtpReceiver::take_old(int64_t place) {
  auto bit = static_cast<size_t>(place) % kWindow;
  if (seen_.test(bit)) {
    ++duplicates_;
    return;
  }
  seen_.set(bit);
  base_ = std::min(base_, place);
  ++received_;
  ++reordered_;
}

// By arrival, every packet counts, be it in sequence or not.
void RtpReceiver::take_transit(const RtpHeader& rtp, WallTime at) {
  auto clock = clock_of(rtp.payload_type);
  if (!figures_.clock_hz || clock != figures_.clock_hz) {
    figures_.other_clock += figures_.clock_hz.has_value();
    return;
  }
  media_ticks_ += static_cast<int32_t>(rtp.timestamp - timestamp_);
  timestamp_ = rtp.timestamp;
  double raw = to_ms(at - first_at_) -
               static_cast<double>(media_ticks_) * 1000.0 / *clock;
  // A sender that began anew has a new timestamp, too.
  if (restarted_)
    shift_ms_ = raw - transit_ms_;
  restarted_ = false;
  transit_ms_ = raw - shift_ms_;
  jitter_.add(transit_ms_);
}

void RtpReceiver::tell(TrafficDirection& out) const {
  out.rtp = figures_;
  if (!begun_)
    return;
  uint64_t of = expected_before_ + static_cast<uint64_t>(newest_ - base_ + 1);
  uint64_t lost = of - received_;
  // Without a clock a long dropout looks like a sender that begins anew.
  if (figures_.restarts == 0 || figures_.clock_hz)
    out.loss = {LossEvidence::rtp_sequence, lost, of,
                100 * static_cast<double>(lost) / static_cast<double>(of)};
  out.reordered = reordered_;
  out.duplicates = duplicates_;
  if (jitter_.rfc3550_ms())
    out.jitter = {true, jitter_.rfc3550_mean_ms(), jitter_.rfc3550_max_ms(),
                  jitter_.mean_difference_ms()};
}

} // namespace migscope::analyzer
