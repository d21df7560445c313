// zstd files and frames without an end.
#include "captures/codec/packet_packer.h"
#include "captures/codec/stream_inflater.h"

#include <algorithm>
#include <array>
#include <zstd.h>
#include <zstd_errors.h>

namespace migscope::captures {
namespace {

class ZstdInflater final : public StreamInflater {
public:
  ZstdInflater() : StreamInflater(Padding::none) {
    ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }

private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  Result<Progress> step(std::span<const std::byte> in,
                        std::span<std::byte> out) override;
  void restart() override {
    ZSTD_DCtx_reset(zstd_.get(), ZSTD_reset_session_only);
  }

  std::unique_ptr<ZSTD_DCtx, Free> zstd_{ZSTD_createDCtx()};
};

Result<Inflater::Progress> ZstdInflater::step(std::span<const std::byte> in,
                                              std::span<std::byte> out) {
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  size_t left = ZSTD_decompressStream(zstd_.get(), &to, &from);
  if (ZSTD_isError(left)) {
    bool too_large =
        ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge;
    return fail(too_large ? ErrorKind::unsupported : ErrorKind::malformed,
                std::string("zstd: ") + ZSTD_getErrorName(left));
  }
  return Progress{from.pos, to.pos, left == 0};
}

class ZstdPacker final : public PacketPacker {
public:
  ZstdPacker(int level, size_t page_size) : page_size_(page_size) {
    ZSTD_initCStream(zstd_.get(), level);
  }

  Result<uint64_t> pack(std::span<const std::byte> pages) override;

private:
  struct Free {
    void operator()(ZSTD_CStream* stream) const { ZSTD_freeCStream(stream); }
  };

  // What comes out is only counted.
  [[nodiscard]] Result<uint64_t> compress(std::span<const std::byte> page,
                                          ZSTD_EndDirective flush);

  std::unique_ptr<ZSTD_CStream, Free> zstd_{ZSTD_createCStream()};
  size_t page_size_;
  std::array<std::byte, 1u << 16> out_;
};

Result<uint64_t> ZstdPacker::pack(std::span<const std::byte> pages) {
  uint64_t made = 0;
  while (!pages.empty()) {
    auto page = pages.first(std::min(page_size_, pages.size()));
    pages = pages.subspan(page.size());
    auto more = compress(page, pages.empty() ? ZSTD_e_flush : ZSTD_e_continue);
    if (!more)
      return more;
    made += *more;
  }
  return made;
}

Result<uint64_t> ZstdPacker::compress(std::span<const std::byte> page,
                                      ZSTD_EndDirective flush) {
  ZSTD_inBuffer from{page.data(), page.size(), 0};
  uint64_t made = 0;
  for (;;) {
    ZSTD_outBuffer to{out_.data(), out_.size(), 0};
    size_t left = ZSTD_compressStream2(zstd_.get(), &to, &from, flush);
    if (ZSTD_isError(left))
      return fail(ErrorKind::unsupported,
                  std::string("zstd: ") + ZSTD_getErrorName(left));
    made += to.pos;
    bool taken = from.pos == from.size;
    if (taken && (flush == ZSTD_e_continue || left == 0))
      return made;
  }
}

} // namespace

std::unique_ptr<PacketPacker> zstd_packer(int level, size_t page_size) {
  return std::make_unique<ZstdPacker>(level, page_size);
}

std::unique_ptr<Inflater> zstd_inflater() {
  return std::make_unique<ZstdInflater>();
}

} // namespace migscope::captures
