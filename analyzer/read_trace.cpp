#include "analyzer/read_trace.h"

#include "captures/session/channel_reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace migscope::analyzer {
namespace {

using captures::ChannelReader;
using captures::Chunk;
using captures::End;

// QEMU's trace lines are far shorter; what is longer is passed over.
constexpr size_t kMaxLine = 4096;

// The arrivals of offsets that ascend.
class Arrivals {
public:
  explicit Arrivals(std::span<const Chunk> chunks) : chunks_(chunks) {}

  // Where the times of that stretch are damaged, of what came before it.
  MonoTime of(uint64_t offset) {
    while (at_ + 1 < chunks_.size() && chunks_[at_ + 1].offset <= offset)
      ++at_;
    return chunks_[at_].arrival;
  }

private:
  std::span<const Chunk> chunks_; // at least one
  size_t at_ = 0;
};

class LogReader {
public:
  LogReader(End end, std::span<const Chunk> chunks)
      : builder_(end), arrivals_(chunks) {}

  void take(std::span<const std::byte> bytes);
  // The bytes that follow are not there.
  void skip_to(uint64_t offset);
  [[nodiscard]] std::optional<TraceMarks> finish();
  void tell(const std::string& log, Input& input) const;

  [[nodiscard]] bool empty() const { return known_ == 0; }

private:
  void end_line();

  TraceMarksBuilder builder_;
  Arrivals arrivals_;
  uint64_t offset_ = 0; // of the next byte
  std::string line_;    // what there is of it, at most kMaxLine
  bool too_long_ = false;
  uint64_t known_ = 0;      // lines of events that are known
  uint64_t unreadable_ = 0; // of these
  std::optional<uint64_t> first_unreadable_;
  uint64_t without_time_ = 0; // of the known
  uint64_t forgotten_ = 0;
};

void LogReader::take(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  while (!text.empty()) {
    size_t size = std::min(text.find('\n'), text.size());
    too_long_ |= line_.size() + size > kMaxLine;
    if (!too_long_)
      line_ += text.substr(0, size);
    bool whole = size < text.size();
    text.remove_prefix(size + whole);
    offset_ += size + whole;
    if (whole)
      end_line();
  }
}

void LogReader::skip_to(uint64_t offset) {
  offset_ = offset;
  too_long_ = true; // of the line that goes on behind, the start is missing
}

void LogReader::end_line() {
  auto line = too_long_ ? std::nullopt : trace::parse_line(line_);
  if (line && trace::is_known(line->event)) {
    ++known_;
    without_time_ += !line->emitted;
    if (auto event = trace::decode(*line))
      builder_.add(*event, {line->emitted, arrivals_.of(offset_ - 1)});
    else {
      ++unreadable_;
      if (!first_unreadable_)
        first_unreadable_ = offset_ - 1 - line_.size();
    }
  }
  line_.clear();
  too_long_ = false;
}

std::optional<TraceMarks> LogReader::finish() {
  TraceMarks marks = builder_.take();
  forgotten_ = marks.forgotten;
  if (known_ == unreadable_)
    return {};
  return marks;
}

void LogReader::tell(const std::string& log, Input& input) const {
  auto warn = [&](std::optional<uint64_t> offset, std::string text) {
    input.problems.push_back({Severity::warning, log, offset, std::move(text)});
  };
  if (unreadable_ > 0)
    warn(first_unreadable_,
         fmt::format("{} of {} trace lines say what cannot be read; here is "
                     "the first",
                     unreadable_, known_));
  if (without_time_ > 0)
    warn({}, fmt::format("{} of {} trace lines have no time of QEMU's "
                         "(-msg timestamp=on): they are placed by their "
                         "arrival",
                         without_time_, known_));
  if (!line_.empty())
    warn(offset_ - line_.size(), "the last line is cut off");
  if (forgotten_ > 0)
    warn({}, fmt::format("too many trace lines: the {} oldest are left out",
                         forgotten_));
}

void read_pieces(const ChannelReader& reader, LogReader& out,
                 const std::string& log, Input& input) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i < reader.pieces(); ++i) {
    if (auto read = reader.read_piece(i, bytes)) {
      out.take(bytes);
      continue;
    } else {
      add_problem(input, Severity::error, log, read.error());
    }
    out.skip_to(reader.piece_offset(i + 1));
  }
}

bool was_turned_on(const captures::Recording& recording) {
  return std::ranges::any_of(recording.sessions, [](const auto& session) {
    return session.manifest.options.get("trace").as_bool().value_or(false);
  });
}

} // namespace

std::optional<TraceMarks> read_trace(const captures::Recording& recording,
                                     End end, Input& input) {
  const auto& path =
      end == End::source ? recording.source_log : recording.destination_log;
  if (!path)
    return {};
  const std::string name = recording.name_of(*path);
  auto reader = ChannelReader::open(*path);
  if (!reader) {
    add_problem(input, Severity::error, name, reader.error());
    return {};
  }
  if ((*reader)->torn())
    add_problem(input, Severity::error, name, *(*reader)->torn());
  if ((*reader)->chunks().empty() && (*reader)->bytes() > 0) {
    add_problem(input, Severity::error, name,
                {ErrorKind::malformed, "the log has no arrival times"});
    return {};
  }
  LogReader log(end, (*reader)->chunks());
  read_pieces(**reader, log, name, input);
  auto marks = log.finish();
  log.tell(name, input);
  if (log.empty() && was_turned_on(recording))
    input.problems.push_back(
        {Severity::warning,
         name,
         {},
         "no trace line in it, though trace was asked for: nothing happened "
         "there, or it is not QEMU's "
         "log, or this QEMU was built without the `log` trace backend"});
  return marks;
}

} // namespace migscope::analyzer
