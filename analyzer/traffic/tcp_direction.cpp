#include "analyzer/traffic/tcp_direction.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Of RFC 7323: a window is at most as large.
constexpr int32_t kLargestWindow = 1 << 30;

} // namespace

std::optional<int64_t> TcpDirection::place(uint32_t sequence) const {
  auto newest = static_cast<uint32_t>(next_) + first_;
  auto away = static_cast<int32_t>(sequence - newest);
  if (away > kLargestWindow || away < -kLargestWindow)
    return std::nullopt;
  return next_ + away;
}

bool TcpDirection::is_duplicate(const captures::TcpHeader& tcp,
                                std::optional<uint16_t> ip_id) {
  if (!ip_id || *ip_id == 0) // where nothing can be fragmented it may be 0
    return false;
  has_ids_ = true;
  Identity identity{tcp.sequence, tcp.payload_bytes, *ip_id};
  if (std::ranges::find(recent_, identity) != recent_.end())
    return true;
  recent_[recent_at_++ % recent_.size()] = identity;
  return false;
}

void TcpDirection::begin(uint32_t sequence) {
  for (const Hole& hole : holes_)
    give_up(hole);
  holes_.clear();
  open_.clear();
  begun_ = true;
  first_ = sequence;
  next_ = covered_ = 0;
}

void TcpDirection::sent(const captures::TcpHeader& tcp,
                        std::optional<uint16_t> ip_id, WallTime at,
                        std::optional<Nanos> round_trip) {
  int64_t length = int64_t{tcp.payload_bytes} + tcp.syn + tcp.fin;
  if (length == 0)
    return;
  if (is_duplicate(tcp, ip_id)) {
    ++duplicates_;
    return;
  }
  // The same ports serve a new connection, or it is the first one.
  if (!begun_ || (tcp.syn && tcp.sequence != first_))
    begin(tcp.sequence);
  auto start = place(tcp.sequence);
  if (!start) {
    ++figures_.strange;
    return;
  }
  if (tcp.payload_bytes <= 1 && !tcp.syn && !tcp.fin && *start == next_ - 1) {
    ++figures_.keep_alives;
    return;
  }
  largest_ = std::max(largest_, tcp.payload_bytes);
  ++figures_.segments;
  add(*start, *start + length, at, round_trip);
}

void TcpDirection::add(int64_t begin, int64_t end, WallTime at,
                       std::optional<Nanos> round_trip) {
  if (begin < next_)
    add_old(begin, end, at, round_trip);
  if (begin > next_) {
    if (holes_.size() == kMostHoles) {
      give_up(holes_.front());
      holes_.erase(holes_.begin());
    }
    holes_.push_back({next_, begin, at});
  }
  if (end > next_ && open_.size() < kMostOpen)
    open_.push_back({end, at, begin < next_});
  next_ = std::max(next_, end);
}

void TcpDirection::add_old(int64_t begin, int64_t end, WallTime at,
                           std::optional<Nanos> round_trip) {
  for (Open& open : open_)
    if (open.end > begin && open.end <= end)
      open.again = true;
  auto noticed = fill(begin, end);
  // The sender learns of a hole from the receiver's answer, a round trip after
  // it passed here at the soonest.
  if (noticed && at - *noticed < round_trip.value_or(kReorderWindow))
    ++reordered_;
  else
    ++figures_.retransmitted;
}

std::optional<WallTime> TcpDirection::fill(int64_t begin, int64_t end) {
  std::optional<WallTime> noticed;
  std::vector<Hole> left;
  for (const Hole& hole : holes_) {
    if (hole.end <= begin || hole.begin >= end) {
      left.push_back(hole);
      continue;
    }
    noticed = noticed ? std::min(*noticed, hole.noticed) : hole.noticed;
    if (hole.begin < begin)
      left.push_back({hole.begin, begin, hole.noticed});
    if (hole.end > end)
      left.push_back({end, hole.end, hole.noticed});
  }
  if (noticed)
    holes_ = std::move(left);
  return noticed;
}

void TcpDirection::give_up(const Hole& hole) {
  auto bytes = static_cast<uint64_t>(hole.end - hole.begin);
  if (hole.end <= covered_) {
    figures_.not_captured_bytes += bytes;
    return;
  }
  figures_.missing_bytes += bytes;
  missing_segments_ += (bytes + largest_ - 1) / largest_;
}

void TcpDirection::acknowledged(uint32_t number, WallTime at, Samples& delays,
                                SampleBudget& budget, Jitter& jitter) {
  auto end = begun_ ? place(number) : std::nullopt;
  if (!end)
    return;
  covered_ = std::max(covered_, *end);
  auto behind = std::ranges::find_if(
      open_, [&](const Open& open) { return open.end > *end; });
  bool again = std::any_of(open_.begin(), behind,
                           [](const Open& open) { return open.again; });
  for (auto it = open_.begin(); !again && it != behind; ++it)
    if (at >= it->sent) {
      delays.add(to_ms(at - it->sent), budget);
      jitter.add(to_ms(at - it->sent));
    }
  open_.erase(open_.begin(), behind);
}

void TcpDirection::tell(TrafficDirection& out) {
  for (const Hole& hole : holes_)
    give_up(hole);
  holes_.clear();
  out.tcp = figures_;
  if (figures_.segments == 0)
    return;
  uint64_t lost = figures_.retransmitted + missing_segments_;
  uint64_t of = figures_.segments + missing_segments_;
  out.loss = {LossEvidence::tcp_sequence, lost, of,
              100 * static_cast<double>(lost) / static_cast<double>(of)};
  out.reordered = reordered_;
  if (has_ids_)
    out.duplicates = duplicates_;
}

} // namespace migscope::analyzer
