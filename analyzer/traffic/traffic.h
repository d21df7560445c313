// The service figures of real traffic, out of a packet capture: plain data.
//
// Units are in the names. An empty optional means unknown, never zero. Times
// are since the first packet of the capture.
#pragma once

#include "analyzer/analysis.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

// A gap between two packets of a direction stands out where it is longer than
// both; so do gaps of a direction with a steady pace only, which is one that
// had kPaceGaps of them or more, and of which at most one in
// kPaceShare is so long.
inline constexpr double kSilenceMedians = 20;
inline constexpr double kSilenceMs = 20;
inline constexpr uint64_t kPaceGaps = 20;
inline constexpr uint64_t kPaceShare = 20;
// A request is lost that nothing answered though the capture goes on for so
// long after it.
inline constexpr double kEchoWaitMs = 1000;

// A silence that overlaps the pause; the three add up to it.
struct SilenceSplit {
  double before_ms = 0;   // until STOP
  double pause_ms = 0;    // of STOP to RESUME: the hypervisor
  double recovery_ms = 0; // after RESUME: the network
};

struct Silence {
  double start_ms = 0; // the last packet before it
  double silent_ms = 0;
  std::optional<SilenceSplit> split;
};

enum class LossEvidence { tcp_sequence, rtp_sequence, icmp_echo };

struct TrafficLoss {
  LossEvidence known_by = LossEvidence::tcp_sequence;
  uint64_t lost = 0, of = 0; // segments, packets, requests
  double percent = 0;
};

enum class DelayEvidence { tcp_ack, icmp_echo };

// Round trips from where it was captured.
struct TrafficDelay {
  DelayEvidence known_by = DelayEvidence::tcp_ack;
  uint64_t measured = 0;
  bool sampled = false; // median and p99 are of a sample of these
  double min_ms = 0, median_ms = 0, p99_ms = 0, max_ms = 0;
};

// See Jitter; of RTP's transit times, otherwise of the delays.
struct TrafficJitter {
  bool of_transit = false;
  std::optional<double> rfc3550_mean_ms, rfc3550_max_ms, mean_difference_ms;
};

struct TcpFigures {
  uint64_t segments = 0;      // with data, SYN or FIN, those sent again too
  uint64_t retransmitted = 0; // of these
  // Never seen, and not acknowledged either.
  uint64_t missing_bytes = 0;
  // Never seen, but acknowledged: they were there, the capture lost them.
  uint64_t not_captured_bytes = 0;
  uint64_t keep_alives = 0; // no part of the above
  uint64_t strange = 0;     // sequence numbers far from all others
};

struct RtpFigures {
  uint32_t ssrc = 0;
  std::vector<uint8_t> payload_types;
  std::optional<uint32_t> clock_hz; // of the first packet's payload type
  uint64_t restarts = 0;            // sequence numbers began anew
  uint64_t strange = 0;             // far from all others, and counted nowhere
  // Left out of the jitter, as their payload type has another clock.
  uint64_t other_clock = 0;
};

struct EchoFigures {
  uint64_t requests = 0, answered = 0;
  uint64_t open = 0; // too near the capture's end to be called lost
};

struct TrafficDirection {
  std::string from, to;              // ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT
  uint64_t packets = 0, bytes = 0;   // IP's headers included
  double start_ms = 0;               // first packet
  double duration_ms = 0;            // to the last one
  std::optional<double> throughput;  // bits/s over duration_ms
  std::optional<TrafficLoss> loss;   // of those sent into this direction
  std::optional<uint64_t> reordered; // came after a later one
  std::optional<uint64_t> duplicates;
  std::optional<TrafficDelay> delay; // there and back
  std::optional<TrafficJitter> jitter;
  std::optional<double> median_gap_ms;
  bool gaps_sampled = false; // it, and silences_left_out, are of a sample
  std::optional<Silence> longest;
  // Those that stand out, in time; nothing without a steady pace.
  std::optional<std::vector<Silence>> silences;
  bool silences_cut = false; // only the longest are told
  std::optional<TcpFigures> tcp;
  std::optional<RtpFigures> rtp;
  std::optional<EchoFigures> echo;
};

struct TrafficFlow {
  std::string protocol;       // "tcp", "udp", "rtp", "icmp echo", "ip 47"
  std::optional<uint32_t> id; // of an echo
  uint64_t bytes = 0;         // both directions
  std::vector<TrafficDirection> directions; // one or two, the first to speak
};

// Flows beyond as many as are followed.
struct UntoldFlows {
  uint64_t flows = 0;
  bool at_least = false; // of flows: there may be more
  uint64_t packets = 0, bytes = 0;
};

struct TrafficPause {
  double stop_ms = 0, resume_ms = 0;
  std::optional<double> clock_error_ms; // of both together
};

struct TrafficReport {
  std::string file, filter;
  bool complete = true;
  std::vector<Problem> problems;
  uint64_t packets = 0; // that the filter let through
  std::optional<WallTime> start;
  double duration_ms = 0;
  // Packets that are in no flow.
  uint64_t not_ip = 0, damaged = 0, cut = 0, without_time = 0;
  uint64_t later_fragments = 0, later_fragment_bytes = 0;
  uint64_t first_fragments = 0;      // they are in their flows
  std::optional<uint32_t> rtp_clock; // as was asked for
  std::optional<TrafficPause> pause;
  std::vector<TrafficFlow> flows; // by bytes
  UntoldFlows untold;
};

} // namespace migscope::analyzer
