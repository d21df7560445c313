// A libvirt save image, and whatever else a stream may be wrapped in. Options:
// u8 how to cut.
#include "captures/containers/libvirt_save.h"

#include "captures/containers/unwrap.h"
#include "tests/fuzz/fuzz_input.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

// A few bytes can unpack to gigabytes.
constexpr uint64_t kMostBytes = 4u << 20;

class PiecesSource : public ByteSource {
public:
  PiecesSource(std::span<const std::byte> bytes, Cutter cutter)
      : bytes_(bytes), rest_(bytes), cutter_(cutter) {}

  std::optional<uint64_t> bytes() const override { return bytes_.size(); }
  Result<std::span<const std::byte>> next() override {
    piece_ = cutter_.next(rest_);
    return std::span<const std::byte>(piece_);
  }
  Result<std::vector<std::byte>> tail(size_t most) override {
    auto out = bytes_.last(std::min(most, bytes_.size()));
    return std::vector<std::byte>(out.begin(), out.end());
  }

private:
  std::span<const std::byte> bytes_, rest_;
  Cutter cutter_;
  std::vector<std::byte> piece_;
};

void check_header(std::span<const std::byte> bytes) {
  auto header = parse_save_header(bytes);
  if (!header)
    return require(header.error().offset.has_value(), "an error has an offset");
  require(header->stream_offset == kSaveHeaderBytes +
                                       uint64_t{header->xml_bytes} +
                                       header->cookie_bytes,
          "the stream follows on the texts");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Cutter cutter(input.u8());
  check_header(input.rest());
  auto source =
      unwrap(std::make_unique<PiecesSource>(input.rest(), cutter), "image");
  if (!source)
    return 0;
  for (uint64_t read = 0; read < kMostBytes;) {
    auto piece = (*source)->next();
    if (!piece || piece->empty())
      break;
    read += piece->size();
  }
  (void)(*source)->tail(1024);
  return 0;
}
