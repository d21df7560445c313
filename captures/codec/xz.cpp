// xz files. The only user of liblzma.
#include "captures/codec/stream_inflater.h"

#include <fmt/format.h>
#include <lzma.h>

namespace migscope::captures {
namespace {

class XzInflater final : public StreamInflater {
public:
  XzInflater() : StreamInflater(Padding::zeros) { open(); }
  ~XzInflater() override { lzma_end(&lzma_); }
  XzInflater(const XzInflater&) = delete;
  XzInflater& operator=(const XzInflater&) = delete;

private:
  Result<Progress> step(std::span<const std::byte> in,
                        std::span<std::byte> out) override;
  void restart() override { open(); }
  // A decoder that is open already is opened anew, in the same memory.
  void open() { opened_ = lzma_stream_decoder(&lzma_, kMaxXzMemory, 0); }

  lzma_stream lzma_ = LZMA_STREAM_INIT;
  lzma_ret opened_ = LZMA_OK;
};

std::string_view meaning(lzma_ret code) {
  switch (code) {
  case LZMA_FORMAT_ERROR:
    return "not an xz stream";
  case LZMA_OPTIONS_ERROR:
    return "compression options that are not known";
  case LZMA_DATA_ERROR:
    return "the data is corrupt";
  case LZMA_MEM_ERROR:
    return "not enough memory";
  default:
    return "decoding failed";
  }
}

Result<Inflater::Progress> XzInflater::step(std::span<const std::byte> in,
                                            std::span<std::byte> out) {
  lzma_.next_in = reinterpret_cast<const uint8_t*>(in.data());
  lzma_.avail_in = in.size();
  lzma_.next_out = reinterpret_cast<uint8_t*>(out.data());
  lzma_.avail_out = out.size();
  lzma_ret code = opened_ == LZMA_OK ? lzma_code(&lzma_, LZMA_RUN) : opened_;
  if (code == LZMA_MEMLIMIT_ERROR)
    return fail(ErrorKind::unsupported,
                fmt::format("xz: the stream needs {} bytes of memory, expected "
                            "at most {}",
                            lzma_memusage(&lzma_), kMaxXzMemory));
  if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
    return fail(ErrorKind::malformed, fmt::format("xz: {}", meaning(code)));
  return Progress{in.size() - lzma_.avail_in, out.size() - lzma_.avail_out,
                  code == LZMA_STREAM_END};
}

} // namespace

std::unique_ptr<Inflater> xz_inflater() {
  return std::make_unique<XzInflater>();
}

} // namespace migscope::captures
