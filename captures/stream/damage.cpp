// What becomes of a stream that makes no sense, or stops.
#include "captures/stream/decoder_impl.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {

bool StreamDecoder::Impl::in_section() const {
  return stage_ == Stage::ram || stage_ == Stage::iterable ||
         stage_ == Stage::device || stage_ == Stage::footer;
}

bool StreamDecoder::Impl::can_resume() const {
  return stage_ != Stage::header && footers_ != Footers::absent && !colo_ &&
         damages_ < limits::kMaxDamages;
}

Error StreamDecoder::Impl::located(Error error) const {
  if (in_section())
    error.message =
        fmt::format("in {}: {}", describe_open(section_), error.message);
  return error;
}

void StreamDecoder::Impl::break_off(Error error) {
  need_ = 0;
  if (error.kind != ErrorKind::malformed || !can_resume())
    return fail_for_good(std::move(error));
  if (stage_ == Stage::ram)
    ram_.break_off();
  std::vector<uint64_t> places;
  if (next_item_ && *next_item_ <= position_)
    next_item_.reset(); // left by an item before
  if (next_item_)
    places.push_back(*next_item_);
  if (package_end_)
    places.push_back(*package_end_);
  resync_.begin(std::move(places));
  broken_ = std::move(error);
  broken_at_ = position_;
  stage_ = Stage::lost;
}

Step StreamDecoder::Impl::lost(const Window& in) {
  Step step = resync_.find(in, context());
  if (step.done)
    resume(in.offset + step.used);
  return step;
}

void StreamDecoder::Impl::resume(uint64_t at) {
  if (package_end_ && at > *package_end_)
    package_end_.reset();
  // Behind a footer, or a command, no page has been passed over.
  if (at != next_item_)
    ram_.forget_block();
  next_item_.reset();
  stage_ = Stage::item;
  ended_ = false;
  ++damages_;
  events_.on_damage({*broken_, at});
  broken_.reset();
}

void StreamDecoder::Impl::fail_for_good(Error error) {
  position_ = position();
  broken_.reset();
  error_ = std::move(error);
  ram_.tell_unplaced();
  note_unwritten_bitmaps();
}

// The input has ended, and no error was met in it, or none to end with.
void StreamDecoder::Impl::conclude() {
  bool no_description = stage_ == Stage::after_eof && carry_.empty();
  if (stage_ == Stage::lost && ended_)
    note_trailing(broken_at_, false);
  else if (stage_ == Stage::lost)
    return fail_for_good(*broken_);
  else if (stage_ != Stage::done && stage_ != Stage::trailing &&
           !no_description)
    return fail_for_good({ErrorKind::truncated,
                          "the stream ends early: " + describe_cut(carry_),
                          {},
                          position_ + carry_.size()});
  note_unwritten_bitmaps();
}

Step StreamDecoder::Impl::trailing(const Window& in) {
  if (in.bytes.empty())
    return {0, 1};
  Judgement second = judge_header(in);
  if (second.verdict == Verdict::open)
    return {0, second.need};
  note_trailing(in.offset, second.verdict == Verdict::yes);
  stage_ = Stage::done;
  return {};
}

void StreamDecoder::Impl::note_trailing(uint64_t offset, bool second_stream) {
  events_.on_problem(offset, second_stream
                                 ? "a second stream starts here (\"QEVM\"); "
                                   "it is left out"
                                 : "bytes after the end of the stream; they "
                                   "are left out");
}

void StreamDecoder::Impl::note_unwritten_bitmaps() {
  if (layout_.mapped_ram && ram_.list().begun() && !ram_ended_)
    events_.on_problem(position_,
                       "a mapped-ram file without the END of ram, with which "
                       "QEMU writes what pages are there: pages that are not "
                       "told of are unknown, not zero");
}

std::string
StreamDecoder::Impl::describe_cut(std::span<const std::byte> rest) const {
  std::string section = describe_open(section_);
  switch (stage_) {
  case Stage::header:
    return "in the file header";
  case Stage::ram:
    return ram_.describe_cut({rest, position_}) + ", in " + section;
  case Stage::iterable:
  case Stage::device:
    return fmt::format("in the body of {} ({} bytes of it are there)", section,
                       position_ + rest.size() - body_start_);
  case Stage::footer:
    return "in the footer of " + section;
  case Stage::after_eof:
    return "in the description";
  default:
    break;
  }
  if (rest.empty())
    return "between sections, before the end-of-stream byte";
  auto type = std::to_integer<uint8_t>(rest[0]);
  if (type == wire::kConfiguration)
    return "in the configuration section";
  return type == wire::kCommand ? "in a command" : "in a section's header";
}

} // namespace migscope::captures
