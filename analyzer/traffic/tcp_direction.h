// What one end of a TCP connection sent: which segments were sent again, which
// never came, and how long the other end took to acknowledge them.
#pragma once

#include "analyzer/service/jitter.h"
#include "analyzer/traffic/samples.h"
#include "analyzer/traffic/traffic.h"
#include "captures/packets/packet_headers.h"

#include <array>
#include <deque>

namespace migscope::analyzer {

// How long a hole in the sequence may last that mere reordering makes, where
// the connection's round trip is not known; as Wireshark has it.
inline constexpr Nanos kReorderWindow = std::chrono::milliseconds(3);

class TcpDirection {
public:
  static constexpr size_t kMostOpen = 512;  // segments without an answer
  static constexpr size_t kMostHoles = 256; // in the sequence

  // A segment of this direction, as it was captured. `round_trip`: of the
  // connection, where it is known. False where it is a packet that was captured
  // before.
  bool sent(const captures::TcpHeader& tcp, std::optional<uint16_t> ip_id,
            WallTime at, std::optional<Nanos> round_trip);
  // The other direction acknowledges up to this number. Of segments that it
  // covers for the first time the delays are given to `delays` and `jitter`;
  // by Karn's rule of none of them where one had been sent again.
  void acknowledged(uint32_t number, WallTime at, Samples& delays,
                    SampleBudget& budget, Jitter& jitter);

  // Sets loss, reordering, duplicates and `tcp` of `out`.
  void tell(TrafficDirection& out);

private:
  struct Open {
    int64_t end = 0;
    WallTime sent;
    bool again = false;
  };
  struct Hole {
    int64_t begin = 0, end = 0;
    WallTime noticed;
  };
  // What tells two captures of one packet from two packets.
  struct Seen {
    uint32_t sequence = 0, payload = 0;
    uint16_t ip_id = 0; // 0: none
    WallTime at;
  };
  // A segment from which on the numbers are far from all before.
  struct Jump {
    uint32_t begin = 0, end = 0;
  };

  // The place of a sequence number in the connection; nothing where it is
  // further from all others than any window.
  [[nodiscard]] std::optional<int64_t> place(uint32_t sequence) const;
  bool is_duplicate(const Seen& packet, std::optional<Nanos> round_trip);
  [[nodiscard]] bool is_keep_alive(const captures::TcpHeader& tcp) const;
  bool follow_jump(const captures::TcpHeader& tcp, uint32_t length);
  void begin(uint32_t sequence);
  void add(int64_t begin, int64_t end, WallTime at,
           std::optional<Nanos> round_trip);
  void add_old(int64_t begin, int64_t end, WallTime at,
               std::optional<Nanos> round_trip);
  // Bytes of holes in [begin, end) are there now; when the first of these holes
  // was noticed, if there was one.
  std::optional<WallTime> fill(int64_t begin, int64_t end);
  void mark_again(int64_t begin, int64_t end);
  void give_up(const Hole& hole);

  bool begun_ = false;
  uint32_t first_ = 0;    // number at place 0
  int64_t next_ = 0;      // behind the last byte seen
  int64_t covered_ = 0;   // by the other end's acknowledgements
  bool answered_ = false; // these are in the capture
  int64_t given_up_ = 0;  // the end of the last hole that is not kept any more
  uint32_t largest_ = 1;  // payload
  std::deque<Open> open_;
  std::vector<Hole> holes_; // in their order
  std::deque<Seen> recent_;
  std::optional<Jump> jump_;
  uint64_t reordered_ = 0, duplicates_ = 0, missing_segments_ = 0;
  TcpFigures figures_;
};

} // namespace migscope::analyzer
