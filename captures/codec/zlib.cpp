// zlib streams and gzip members. The only user of zlib.
#include "captures/codec/stream_inflater.h"

#include <algorithm>
#include <zlib.h>

namespace migscope::captures {
namespace {

// zlib counts a call's bytes in 32 bits.
constexpr size_t kMaxCall = 1u << 30;
// inflateInit2()'s windowBits: the largest window, and which head to expect.
constexpr int kZlibHead = MAX_WBITS;
constexpr int kGzipHead = MAX_WBITS + 16;

class ZlibInflater final : public StreamInflater {
public:
  ZlibInflater(int window_bits, Padding padding) : StreamInflater(padding) {
    ready_ = inflateInit2(&zlib_, window_bits) == Z_OK;
  }
  ~ZlibInflater() override { inflateEnd(&zlib_); }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;

private:
  Result<Progress> step(std::span<const std::byte> in,
                        std::span<std::byte> out) override;
  void restart() override { inflateReset(&zlib_); }

  z_stream zlib_{};
  bool ready_ = false;
};

Result<Inflater::Progress> ZlibInflater::step(std::span<const std::byte> in,
                                              std::span<std::byte> out) {
  if (!ready_)
    return fail(ErrorKind::unsupported, "zlib: not enough memory");
  // zlib only reads through its pointer that is not const.
  zlib_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
  zlib_.avail_in = static_cast<uInt>(std::min(in.size(), kMaxCall));
  zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib_.avail_out = static_cast<uInt>(std::min(out.size(), kMaxCall));
  uInt in_size = zlib_.avail_in, out_size = zlib_.avail_out;
  int code = ::inflate(&zlib_, Z_NO_FLUSH);
  if (code == Z_NEED_DICT)
    return fail(ErrorKind::malformed, "zlib: the stream needs a dictionary");
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    return fail(ErrorKind::malformed,
                std::string("zlib: ") +
                    (zlib_.msg != nullptr ? zlib_.msg : zError(code)));
  return Progress{in_size - zlib_.avail_in, out_size - zlib_.avail_out,
                  code == Z_STREAM_END};
}

} // namespace

std::unique_ptr<Inflater> zlib_inflater() {
  return std::make_unique<ZlibInflater>(kZlibHead, Padding::none);
}

std::unique_ptr<Inflater> gzip_inflater() {
  return std::make_unique<ZlibInflater>(kGzipHead, Padding::zeros);
}

} // namespace migscope::captures
