// The return path. Options: u8 how to cut.
#include "captures/stream/return_path.h"

#include "tests/fuzz/fuzz_input.h"

#include <string>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

class Witness : public ReturnEvents {
public:
  void on_shut(uint64_t offset, uint32_t status) override {
    advance(offset).add("shut").add(status);
  }
  void on_pong(uint64_t offset, uint32_t value) override {
    advance(offset).add("pong").add(value);
  }
  void on_page_request(const PageRequest& request) override {
    require(!request.block.empty(), "a request names its block");
    advance(request.offset).add(request.block);
    digest.add(request.address).add(request.length);
  }
  void on_received_bitmap(const ReceivedBitmap& bitmap) override {
    advance(bitmap.offset).add(bitmap.block).add(bitmap.bits);
  }
  void on_resume_ack(uint64_t offset, uint32_t value) override {
    advance(offset).add("resume").add(value);
  }
  void on_switchover_ack(uint64_t offset) override {
    advance(offset).add("switchover");
  }

  Digest digest;
  uint64_t end = 0; // of what has been fed

private:
  Digest& advance(uint64_t offset) {
    require(offset < end, "offsets lie in the input");
    require(offset >= next_, "messages come in order");
    next_ = offset + 1;
    return digest.add(offset);
  }

  uint64_t next_ = 0;
};

class Run {
public:
  Run() : decoder_(witness_) {}

  void feed(std::span<const std::byte> bytes) {
    witness_.end += bytes.size();
    note(decoder_.feed(bytes));
  }
  uint64_t finish() {
    note(decoder_.finish());
    return witness_.digest.add(error_).add(decoder_.position()).value();
  }

private:
  void note(const Status& status) {
    require(decoder_.position() <= witness_.end,
            "the position lies in the input");
    require(status || (status.error().offset &&
                       *status.error().offset <= witness_.end),
            "an error lies in the input");
    std::string error = status ? "" : describe(status.error());
    require(error_.empty() || error == error_, "an error is final");
    error_ = error;
  }

  Witness witness_;
  ReturnPathDecoder decoder_;
  std::string error_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Cutter cutter(input.u8());

  Run whole;
  whole.feed(input.rest());

  Run pieces;
  for (auto bytes = input.rest(); !bytes.empty();)
    pieces.feed(cutter.next(bytes));
  require(pieces.finish() == whole.finish(), "the result is that of the whole");
  return 0;
}
