#include "analyzer/guest_pause.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <string_view>

namespace migscope::analyzer {
namespace {

// Enough for a quick one among them; so few that the guest's clock, which is
// right to 0.05 %, does not count.
constexpr size_t kBeats = 32;
// Fewer say nothing of how quick the quickest is.
constexpr size_t kEnoughBeats = 8;
constexpr size_t kLongestBeat = 64; // bytes of a line; longer ones are none
constexpr uint64_t kMaxGuestUs = kMaxTimeNs / 1000;

// A number and the blank before it, taken off `text`.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  if (!text.starts_with(' '))
    return {};
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data() + 1, end, value);
  if (error != std::errc())
    return {};
  text = {stop, static_cast<size_t>(end - stop)};
  return value;
}

std::optional<Heartbeat> parse_beat(std::string_view line) {
  if (!line.starts_with("HB"))
    return {};
  line.remove_prefix(2);
  auto count = take_number(line);
  auto us = take_number(line);
  if (!count || !us || !line.empty() || *us > kMaxGuestUs)
    return {};
  return Heartbeat{
      *count, std::chrono::microseconds(static_cast<int64_t>(*us)), {}};
}

// Takes a console's bytes as they come.
class BeatLines {
public:
  BeatLines(std::span<const captures::Chunk> chunks, Nearest which)
      : chunks_(chunks), which_(which) {}

  // False: no more is needed.
  bool feed(std::string_view text) {
    for (char byte : text) {
      if (byte == '\n')
        end_line();
      else if (line_.size() <= kLongestBeat)
        line_ += byte;
      ++offset_;
    }
    return which_ == Nearest::last || beats_.size() < kBeats;
  }

  std::vector<Heartbeat> take() { return {beats_.begin(), beats_.end()}; }

private:
  void end_line() {
    auto beat = parse_beat(line_);
    line_.clear();
    auto arrival =
        captures::arrival_of(chunks_, std::exchange(begin_, offset_ + 1));
    if (!beat || !arrival)
      return;
    beat->arrival = *arrival;
    if (which_ == Nearest::first && beats_.size() == kBeats)
      return;
    beats_.push_back(*beat);
    if (beats_.size() > kBeats)
      beats_.pop_front();
  }

  std::span<const captures::Chunk> chunks_;
  Nearest which_;
  std::string line_;
  uint64_t offset_ = 0, begin_ = 0; // begin_: of the line
  std::deque<Heartbeat> beats_;
};

// By how much our clock is ahead of the guest's, by the quickest line, and how
// much slower half of the others were at least.
struct Ahead {
  Nanos least{0}, spread{0};
};

Ahead ahead(std::span<const Heartbeat> beats) {
  std::vector<Nanos> all;
  for (const Heartbeat& beat : beats)
    all.push_back(beat.arrival - MonoTime{beat.guest.count()});
  std::ranges::sort(all);
  return {all.front(), all[all.size() / 2] - all.front()};
}

} // namespace

Result<std::vector<Heartbeat>> read_heartbeats(const std::filesystem::path& log,
                                               Nearest which,
                                               std::optional<Error>* torn) {
  auto reader = captures::ChannelReader::open(log);
  if (!reader)
    return fail(reader.error());
  *torn = (*reader)->torn();
  BeatLines lines((*reader)->chunks(), which);
  std::vector<std::byte> piece;
  for (size_t i = 0; i < (*reader)->pieces(); ++i) {
    if (auto read = (*reader)->read_piece(i, piece); !read) {
      *torn = read.error();
      break;
    }
    if (!lines.feed(
            {reinterpret_cast<const char*>(piece.data()), piece.size()}))
      break;
  }
  return lines.take();
}

std::optional<GuestPause> guest_pause(std::span<const Heartbeat> source,
                                      std::span<const Heartbeat> destination) {
  if (source.empty() || destination.empty() ||
      destination.front().count <= source.back().count)
    return {};
  Ahead before = ahead(source), after = ahead(destination);
  GuestPause out;
  out.ms = to_ms(after.least - before.least);
  if (std::min(source.size(), destination.size()) >= kEnoughBeats)
    out.error_ms = to_ms(before.spread + after.spread);
  out.last_before = source.back().arrival;
  out.first_after = destination.front().arrival;
  return out;
}

} // namespace migscope::analyzer
