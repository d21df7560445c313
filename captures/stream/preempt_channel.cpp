#include "captures/stream/preempt_channel.h"

namespace migscope::captures {

PreemptDecoder::PreemptDecoder(StreamEvents& events,
                               const ConnectionState& main)
    : ram_(events) {
  ram_.set_page_size(main.page_size);
  ram_.expect_pages_only();
  ram_.begin(SectionKind::part, 0); // no block list comes here
  if (Status adopted = ram_.list().adopt(main.blocks); !adopted)
    error_ = adopted.error();
}

Status PreemptDecoder::feed(std::span<const std::byte> bytes) {
  if (!error_ && !ended_)
    bytes = bytes.subspan(
        carry_.feed(bytes, [this](auto piece) { return decode(piece); }));
  if (!error_ && ended_ && !bytes.empty())
    error_ = malformed(position_, "bytes after the EOS word of a preempt "
                                  "channel, expected none")
                 .value();
  if (error_)
    return fail(*error_);
  return {};
}

Step PreemptDecoder::decode(std::span<const std::byte> bytes) {
  auto step = ram_.decode({bytes, position_});
  if (!step) {
    error_ = step.error();
    position_ = error_->offset.value_or(position_); // pages before were told
    return {0, 0, true};
  }
  position_ += step->used;
  ended_ = step->done;
  return *step;
}

Status PreemptDecoder::finish() {
  auto rest = carry_.left();
  if (!error_ && !rest.empty())
    error_ = Error{ErrorKind::truncated,
                   "the preempt channel ends early: " +
                       ram_.describe_cut({rest, position_}),
                   {},
                   position_ + rest.size()};
  if (error_)
    return fail(*error_);
  return {};
}

} // namespace migscope::captures
