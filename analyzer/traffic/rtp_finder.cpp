#include "analyzer/traffic/rtp_finder.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

constexpr int kLargestStep = 100; // packets may be lost

} // namespace

RtpFinder::Sender RtpFinder::sender(const captures::PacketHeaders& headers,
                                    const captures::UdpHeader& udp) {
  return {headers.source, udp.source_port, headers.destination,
          udp.destination_port};
}

void RtpFinder::take(Candidate& candidate, const RtpHeader& rtp) {
  auto step = static_cast<int16_t>(
      static_cast<uint16_t>(rtp.sequence - candidate.newest));
  if (step == 0) // captured again
    return;
  ++candidate.packets;
  candidate.time_moves |= rtp.timestamp != candidate.timestamp;
  candidate.steps += step > 0 && step <= kLargestStep;
  // A long silence of a sender that goes on is one step that does not count.
  if (step > 0 || step < -kLargestStep)
    candidate.newest = rtp.sequence;
}

void RtpFinder::add(const captures::PacketHeaders& headers,
                    const captures::UdpHeader& udp) {
  auto rtp = parse_rtp(udp.payload);
  if (!rtp)
    return;
  Sender from = sender(headers, udp);
  auto found = senders_.find(from);
  if (found == senders_.end()) {
    if (senders_.size() == kMostSenders)
      return;
    found = senders_.try_emplace(from).first;
  }
  auto& candidates = found->second;
  auto known = std::ranges::find(candidates, rtp->ssrc, &Candidate::ssrc);
  if (known != candidates.end())
    return take(*known, *rtp);
  // What only looked like one makes room.
  if (candidates.size() == kMostSources) {
    auto chance = std::ranges::find(candidates, 1, &Candidate::packets);
    if (chance == candidates.end())
      return;
    candidates.erase(chance);
  }
  candidates.push_back({rtp->ssrc, rtp->sequence, rtp->timestamp, 1, 0, false});
}

bool RtpFinder::is_rtp(const captures::PacketHeaders& headers,
                       const captures::UdpHeader& udp, uint32_t ssrc) const {
  auto found = senders_.find(sender(headers, udp));
  if (found == senders_.end())
    return false;
  auto known = std::ranges::find(found->second, ssrc, &Candidate::ssrc);
  return known != found->second.end() && known->packets >= kLeastPackets &&
         known->steps * 5 >= (known->packets - 1) * 4 && known->time_moves;
}

} // namespace migscope::analyzer
