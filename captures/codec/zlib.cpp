// zlib streams and gzip members. The only user of zlib.
#include "captures/codec/packet_packer.h"
#include "captures/codec/stream_inflater.h"

#include <algorithm>
#include <array>
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

class ZlibPacker final : public PacketPacker {
public:
  ZlibPacker(int level, size_t page_size) : page_size_(page_size) {
    ready_ = deflateInit(&zlib_, level) == Z_OK;
  }
  ~ZlibPacker() override { deflateEnd(&zlib_); }
  ZlibPacker(const ZlibPacker&) = delete;
  ZlibPacker& operator=(const ZlibPacker&) = delete;

  Result<uint64_t> pack(std::span<const std::byte> pages) override;

private:
  // What comes out is only counted.
  [[nodiscard]] Result<uint64_t> deflate(std::span<const std::byte> page,
                                         int flush);

  z_stream zlib_{};
  size_t page_size_;
  bool ready_ = false;
  std::array<Bytef, 1u << 16> out_;
};

Result<uint64_t> ZlibPacker::pack(std::span<const std::byte> pages) {
  if (!ready_)
    return fail(ErrorKind::unsupported, "zlib: not enough memory");
  uint64_t made = 0;
  while (!pages.empty()) {
    auto page = pages.first(std::min(page_size_, pages.size()));
    pages = pages.subspan(page.size());
    auto more = deflate(page, pages.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    if (!more)
      return more;
    made += *more;
  }
  return made;
}

Result<uint64_t> ZlibPacker::deflate(std::span<const std::byte> page,
                                     int flush) {
  zlib_.next_in =
      const_cast<Bytef*>(reinterpret_cast<const Bytef*>(page.data()));
  zlib_.avail_in = static_cast<uInt>(page.size());
  uint64_t made = 0;
  do {
    zlib_.next_out = out_.data();
    zlib_.avail_out = static_cast<uInt>(out_.size());
    int code = ::deflate(&zlib_, flush);
    if (code != Z_OK && code != Z_BUF_ERROR)
      return fail(ErrorKind::unsupported, std::string("zlib: ") + zError(code));
    made += out_.size() - zlib_.avail_out;
  } while (zlib_.avail_out == 0);
  return made;
}

} // namespace

std::unique_ptr<PacketPacker> zlib_packer(int level, size_t page_size) {
  return std::make_unique<ZlibPacker>(level, page_size);
}

std::unique_ptr<Inflater> zlib_inflater() {
  return std::make_unique<ZlibInflater>(kZlibHead, Padding::none);
}

std::unique_ptr<Inflater> gzip_inflater() {
  return std::make_unique<ZlibInflater>(kGzipHead, Padding::zeros);
}

} // namespace migscope::captures
