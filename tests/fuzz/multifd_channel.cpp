// A multifd channel. Options: u8 page size; u8 how to cut.
#include "captures/stream/multifd_channel.h"

#include "tests/fuzz/fuzz_input.h"

#include <string>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

constexpr uint32_t kPageSizes[] = {1024, 4096, 16384, 65536};

class Witness : public MultifdEvents {
public:
  explicit Witness(uint32_t page_size) : page_size_(page_size) {}

  void on_hello(const MultifdHello& hello) override {
    digest.add(hello.id).add(hello.uuid);
  }
  void on_packet(const MultifdPacket& packet) override {
    advance(packet.offset);
    within(packet.offset + packet.header_bytes + packet.payload_bytes);
    ++told;
    require(!packet.normal.empty() || !packet.zero.empty(),
            "a packet that is told has pages");
    require(packet.pages.empty() ||
                packet.pages.size() == packet.normal.size() * page_size_,
            "pages are whole, or could not be read");
    digest.add(packet.flags).add(packet.packet_num).add(packet.block);
    digest.add(static_cast<uint64_t>(packet.method)).add(packet.pages);
    digest.add(std::as_bytes(packet.normal)).add(std::as_bytes(packet.zero));
    digest.add(packet.header_bytes).add(packet.payload_bytes);
  }
  void on_sync(uint64_t offset) override {
    advance(offset);
    digest.add("sync");
    ++told;
  }
  void on_device_state(const MultifdDeviceState& state) override {
    advance(state.offset);
    digest.add(state.idstr).add(state.instance_id).add(state.payload);
  }
  void on_damage(const Damage& damage) override {
    // Perhaps behind `resumed`: a packet can begin inside of what was none.
    require(damage.error.offset && *damage.error.offset <= end,
            "damage lies in the input");
    advance(damage.resumed);
    digest.add(describe(damage.error));
  }
  void on_problem(uint64_t offset, std::string_view message) override {
    within(offset);
    digest.add(offset).add(message);
  }

  Digest digest;
  uint64_t end = 0; // of what has been fed
  size_t told = 0;  // packets of pages and SYNCs

private:
  void within(uint64_t offset) const {
    require(offset <= end, "offsets lie in the input");
  }
  void advance(uint64_t offset) {
    within(offset);
    require(offset >= reached_, "events come in the channel's order");
    reached_ = offset;
    digest.add(offset);
  }

  uint64_t reached_ = 0;
  uint32_t page_size_;
};

class Run {
public:
  explicit Run(uint32_t page_size)
      : witness_(page_size), decoder_(witness_, page_size) {}

  void feed(std::span<const std::byte> bytes) {
    witness_.end += bytes.size();
    while (!bytes.empty() && error_.empty()) {
      size_t told = witness_.told;
      auto used = decoder_.feed(bytes);
      if (!used)
        return note(used.error());
      require(*used <= bytes.size(), "no more is used than there is");
      require(*used == bytes.size() || witness_.told != told,
              "only a packet that is told leaves bytes");
      bytes = bytes.subspan(*used);
    }
  }
  uint64_t finish() {
    if (auto status = decoder_.finish(); !status)
      note(status.error());
    require(decoder_.position() <= witness_.end,
            "the position lies in the input");
    return witness_.digest.add(error_).add(decoder_.position()).value();
  }

private:
  void note(const Error& error) {
    require(error.offset && *error.offset <= witness_.end,
            "an error lies in the input");
    require(error_.empty() || error_ == describe(error), "an error is final");
    error_ = describe(error);
  }

  Witness witness_;
  MultifdDecoder decoder_;
  std::string error_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  uint32_t page_size = kPageSizes[input.u8() % std::size(kPageSizes)];
  Cutter cutter(input.u8());

  Run whole(page_size);
  whole.feed(input.rest());

  Run pieces(page_size);
  for (auto bytes = input.rest(); !bytes.empty();)
    pieces.feed(cutter.next(bytes));
  require(pieces.finish() == whole.finish(), "the result is that of the whole");
  return 0;
}
