// The main channel. What is told must not depend on how the input is cut.
//
// Options: u8 kPageSizes and flags; u8 how to cut; with kResumed be16, the
// length of an earlier connection, which comes first.
#include "captures/stream/decoder.h"

#include "tests/fuzz/stream_witness.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

constexpr uint32_t kPageSizes[] = {256, 1024, 4096, 65536};
constexpr uint8_t kPageSizeMask = 0x03;
constexpr uint8_t kDescribed = 0x04; // the end is read first
constexpr uint8_t kOrigin = 0x08;    // the stream does not begin its file
constexpr uint8_t kResumed = 0x10;

struct Outcome {
  uint64_t digest = 0;
  std::string error;
  uint64_t position = 0;
  uint32_t page_size = 0;
  bool operator==(const Outcome&) const = default;
};

DecoderOptions options_of(FuzzInput& input, uint8_t flags) {
  DecoderOptions options;
  options.page_size = kPageSizes[flags & kPageSizeMask];
  if ((flags & kResumed) != 0) {
    auto first = input.take(input.be16());
    StreamEvents ignored;
    StreamDecoder decoder(ignored, options);
    (void)decoder.feed(first);
    options.resumed = decoder.connection_state();
  }
  if ((flags & kOrigin) != 0)
    options.origin = 0x12000;
  if ((flags & kDescribed) != 0)
    if (auto text = find_description(input.rest()))
      if (auto description = parse_description(*text))
        options.description = *description;
  return options;
}

class Run {
public:
  explicit Run(const DecoderOptions& options)
      : witness_(options.origin, options.resumed ? &*options.resumed : nullptr),
        decoder_(witness_, options), end_(options.origin) {}

  void feed(std::span<const std::byte> bytes) {
    end_ += bytes.size();
    witness_.allow_to(end_);
    note(decoder_.feed(bytes));
  }

  Outcome finish() {
    note(decoder_.finish());
    note(decoder_.finish());
    return {witness_.digest(), error_, decoder_.position(),
            decoder_.page_size()};
  }

private:
  void note(const Status& status) {
    require(decoder_.position() >= position_, "the position never goes back");
    require(decoder_.position() <= end_, "the position lies in the input");
    position_ = decoder_.position();
    if (!status)
      witness_.check(status.error());
    std::string error = status ? "" : describe(status.error());
    require(error_.empty() || error == error_, "an error is final");
    require(error_.empty() || witness_.digest() == told_,
            "nothing is told after an error");
    error_ = error;
    told_ = witness_.digest();
  }

  StreamWitness witness_;
  StreamDecoder decoder_;
  uint64_t end_; // of what has been fed
  uint64_t position_ = 0;
  uint64_t told_ = 0;
  std::string error_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  uint8_t flags = input.u8();
  Cutter cutter(input.u8());
  DecoderOptions options = options_of(input, flags);

  Run whole(options);
  whole.feed(input.rest());
  Outcome outcome = whole.finish();

  Run pieces(options);
  for (auto bytes = input.rest(); !bytes.empty();)
    pieces.feed(cutter.next(bytes));
  require(pieces.finish() == outcome, "the result is that of the whole");
  return 0;
}
