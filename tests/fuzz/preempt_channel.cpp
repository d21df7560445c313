// A postcopy-preempt channel. Options: u8 how to cut; be16, the length of the
// main channel's start, with pages of 256 bytes, which comes first.
#include "captures/stream/preempt_channel.h"

#include "captures/stream/decoder.h"
#include "tests/fuzz/stream_witness.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

ConnectionState main_channel(std::span<const std::byte> bytes) {
  StreamEvents ignored;
  StreamDecoder decoder(ignored, {.page_size = 256});
  (void)decoder.feed(bytes);
  return decoder.connection_state();
}

class Run {
public:
  explicit Run(const ConnectionState& main)
      : witness_(0, &main), decoder_(witness_, main) {}

  void feed(std::span<const std::byte> bytes) {
    end_ += bytes.size();
    witness_.allow_to(end_);
    note(decoder_.feed(bytes));
  }
  uint64_t finish() {
    note(decoder_.finish());
    return Digest()
        .add(witness_.digest())
        .add(error_)
        .add(decoder_.position())
        .value();
  }

private:
  void note(const Status& status) {
    require(decoder_.position() <= end_, "the position lies in the input");
    if (!status)
      witness_.check(status.error());
    std::string error = status ? "" : describe(status.error());
    require(error_.empty() || error == error_, "an error is final");
    error_ = error;
  }

  StreamWitness witness_;
  PreemptDecoder decoder_;
  uint64_t end_ = 0; // of what has been fed
  std::string error_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Cutter cutter(input.u8());
  ConnectionState main = main_channel(input.take(input.be16()));

  Run whole(main);
  whole.feed(input.rest());

  Run pieces(main);
  for (auto bytes = input.rest(); !bytes.empty();)
    pieces.feed(cutter.next(bytes));
  require(pieces.finish() == whole.finish(), "the result is that of the whole");
  return 0;
}
