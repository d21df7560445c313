// Packets by the flow that they belong to.
#pragma once

#include "analyzer/traffic/echo_requests.h"
#include "analyzer/traffic/pace.h"
#include "analyzer/traffic/rtp_finder.h"
#include "analyzer/traffic/rtp_receiver.h"
#include "analyzer/traffic/tcp_direction.h"

#include <map>
#include <set>

namespace migscope::analyzer {

// What all packets of a flow have in common, both directions.
struct FlowKey {
  enum class Kind { tcp, udp, rtp, echo, other };
  Kind kind = Kind::other;
  uint8_t protocol = 0;
  // The lower address and port first; of an echo, who asks.
  captures::IpAddress a, b;
  uint16_t port_a = 0, port_b = 0;
  uint32_t id = 0; // of an echo, or the SSRC of an RTP stream

  auto operator<=>(const FlowKey&) const = default;
};

class FlowTable {
public:
  static constexpr size_t kMostFlows = 10000;
  static constexpr size_t kMostCounted =
      65536; // of those that are not followed

  // `finder` knows which datagrams are RTP, and outlives the table.
  FlowTable(const RtpFinder& finder, std::optional<uint32_t> dynamic_hz)
      : finder_(finder), dynamic_hz_(dynamic_hz) {}

  void add(const captures::PacketHeaders& headers, WallTime at);

  // Sets the flows of `out`. `end`: the capture's.
  void tell(TrafficReport& out, WallTime zero, WallTime end,
            const std::optional<WallPause>& pause);

private:
  struct Direction {
    uint64_t packets = 0, bytes = 0;
    WallTime first, last;
    Pace pace;
    Samples delays;
    Jitter jitter; // of the delays
    TcpDirection tcp;
    std::unique_ptr<RtpReceiver> rtp;
  };
  struct Flow {
    std::array<std::unique_ptr<Direction>, 2> directions; // from a, from b
    size_t opener = 0;                                    // who spoke first
    std::unique_ptr<EchoRequests> echo;
    // Of a TCP connection's handshake.
    std::optional<WallTime> syn;
    size_t syn_by = 0;
    std::optional<uint32_t> syn_sequence;
    bool syn_answered = false;
    std::optional<Nanos> round_trip;
  };
  // A packet's flow, and who sent it: 0 for a.
  struct Place {
    FlowKey key;
    size_t sender = 0;
    std::optional<RtpHeader> rtp;
  };

  [[nodiscard]] Place place(const captures::PacketHeaders& headers) const;
  Flow* find(const FlowKey& key, const captures::PacketHeaders& headers,
             size_t sender);
  Direction& direction(Flow& flow, const Place& place);
  void add_tcp(Flow& flow, size_t sender,
               const captures::PacketHeaders& headers,
               const captures::TcpHeader& tcp, WallTime at);
  void add_echo(Flow& flow, const captures::EchoHeader& echo, WallTime at);
  static void follow_handshake(Flow& flow, size_t sender,
                               const captures::TcpHeader& tcp, WallTime at);
  static TrafficFlow tell_flow(const FlowKey& key, Flow& flow, WallTime zero,
                               WallTime end,
                               const std::optional<WallPause>& pause);

  const RtpFinder& finder_;
  std::optional<uint32_t> dynamic_hz_;
  SampleBudget budget_;
  std::map<FlowKey, Flow> flows_;
  std::set<FlowKey> untold_;
  UntoldFlows untold_figures_;
};

} // namespace migscope::analyzer
