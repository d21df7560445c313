// Which datagrams are RTP: nothing says so, their sequence shows it.
#pragma once

#include "analyzer/traffic/rtp_header.h"
#include "captures/packets/packet_headers.h"

#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace migscope::analyzer {

class RtpFinder {
public:
  static constexpr size_t kMostSenders = 20000; // addresses and ports
  static constexpr size_t kMostSources = 16;    // SSRCs, of each
  static constexpr uint64_t kLeastPackets = 8;

  void add(const captures::PacketHeaders& headers,
           const captures::UdpHeader& udp);

  // Whether these are a stream of RTP: kLeastPackets or more of one SSRC, whose
  // sequence goes up in small steps four times out of five, and whose timestamp
  // does not stand still.
  [[nodiscard]] bool is_rtp(const captures::PacketHeaders& headers,
                            const captures::UdpHeader& udp,
                            uint32_t ssrc) const;

private:
  struct Candidate {
    uint32_t ssrc = 0;
    uint16_t newest = 0;
    uint32_t timestamp = 0;
    uint64_t packets = 0, steps = 0;
    bool time_moves = false;
  };
  using Sender =
      std::tuple<captures::IpAddress, uint16_t, captures::IpAddress, uint16_t>;
  [[nodiscard]] static Sender sender(const captures::PacketHeaders& headers,
                                     const captures::UdpHeader& udp);
  static void take(Candidate& candidate, const RtpHeader& rtp);

  std::map<Sender, std::vector<Candidate>> senders_;
};

} // namespace migscope::analyzer
