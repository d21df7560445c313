// zstd files and frames without an end.
#include "captures/codec/stream_inflater.h"

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

} // namespace

std::unique_ptr<Inflater> zstd_inflater() {
  return std::make_unique<ZstdInflater>();
}

} // namespace migscope::captures
