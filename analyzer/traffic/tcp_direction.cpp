#include "analyzer/traffic/tcp_direction.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Of RFC 7323: a window is at most as large.
constexpr int32_t kLargestWindow = 1 << 30;
// Packets between two captures of one, on interfaces behind each other.
constexpr size_t kMostRecent = 64;

} // namespace

std::optional<int64_t> TcpDirection::place(uint32_t sequence) const {
  auto newest = static_cast<uint32_t>(next_) + first_;
  auto away = static_cast<int32_t>(sequence - newest);
  if (away > kLargestWindow || away < -kLargestWindow)
    return std::nullopt;
  return next_ + away;
}

bool TcpDirection::is_duplicate(const Seen& packet,
                                std::optional<Nanos> round_trip) {
  // A sender without ids in its packets cannot have sent one again so soon.
  Nanos soon = std::min(round_trip.value_or(kReorderWindow), kReorderWindow);
  bool known = std::ranges::any_of(recent_, [&](const Seen& seen) {
    return seen.sequence == packet.sequence && seen.payload == packet.payload &&
           seen.ip_id == packet.ip_id &&
           (packet.ip_id != 0 || packet.at - seen.at < soon);
  });
  recent_.push_back(packet);
  if (recent_.size() > kMostRecent)
    recent_.pop_front();
  return known;
}

// A byte that was acknowledged already, or none at its place.
bool TcpDirection::is_keep_alive(const captures::TcpHeader& tcp) const {
  if (!begun_ || tcp.payload_bytes > 1 || tcp.syn || tcp.fin || tcp.rst)
    return false;
  return place(tcp.sequence) == next_ - 1 && (!answered_ || covered_ >= next_);
}

// Of two segments far from all before that follow on each other the connection
// goes on with the first: the capture has a gap, or the ports serve another
// one.
bool TcpDirection::follow_jump(const captures::TcpHeader& tcp,
                               uint32_t length) {
  bool follows = jump_ && jump_->end == tcp.sequence;
  if (!follows) {
    jump_ = {tcp.sequence, tcp.sequence + length};
    ++figures_.strange;
    return false;
  }
  Jump jump = *jump_;
  begin(jump.begin);
  next_ = jump.end - jump.begin;
  --figures_.strange;
  ++figures_.segments;
  return true;
}

void TcpDirection::begin(uint32_t sequence) {
  for (const Hole& hole : holes_)
    give_up(hole);
  holes_.clear();
  open_.clear();
  begun_ = true;
  first_ = sequence;
  next_ = covered_ = given_up_ = 0;
  jump_.reset();
}

bool TcpDirection::sent(const captures::TcpHeader& tcp,
                        std::optional<uint16_t> ip_id, WallTime at,
                        std::optional<Nanos> round_trip) {
  uint32_t length = tcp.payload_bytes + tcp.syn + tcp.fin;
  if (is_keep_alive(tcp)) {
    ++figures_.keep_alives;
    return true;
  }
  if (length == 0)
    return true;
  if (is_duplicate({tcp.sequence, tcp.payload_bytes, ip_id.value_or(0), at},
                   round_trip)) {
    ++duplicates_;
    return false;
  }
  // The same ports serve a new connection, or it is the first one.
  if (!begun_ || (tcp.syn && tcp.sequence != first_))
    begin(tcp.sequence);
  if (!place(tcp.sequence) && !follow_jump(tcp, length))
    return true;
  jump_.reset();
  int64_t start = *place(tcp.sequence);
  largest_ = std::max(largest_, tcp.payload_bytes);
  ++figures_.segments;
  add(start, start + length, at, round_trip);
  return true;
}

void TcpDirection::add(int64_t begin, int64_t end, WallTime at,
                       std::optional<Nanos> round_trip) {
  if (begin < next_)
    add_old(begin, end, at, round_trip);
  if (begin > next_) {
    if (holes_.size() == kMostHoles) {
      give_up(holes_.front());
      given_up_ = holes_.front().end;
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
  auto noticed = fill(begin, end);
  // The sender learns of a hole from the receiver's answer, a round trip after
  // it passed here at the soonest.
  if (noticed && at - *noticed < round_trip.value_or(kReorderWindow)) {
    ++reordered_;
    return;
  }
  mark_again(begin, end);
  // It counts as missing since its hole was given up.
  if (noticed || begin >= given_up_)
    ++figures_.retransmitted;
}

// What comes again keeps all behind it waiting, too.
void TcpDirection::mark_again(int64_t begin, int64_t end) {
  for (Open& open : open_) {
    open.again = open.again || open.end > begin;
    if (open.end >= end)
      return;
  }
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
  answered_ = true;
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
  out.duplicates = duplicates_;
}

} // namespace migscope::analyzer
