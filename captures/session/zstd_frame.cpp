#include "captures/session/zstd_frame.h"

#include <vector>
#include <zstd.h>

namespace migscope::captures {
namespace {

tl::unexpected<Error> zstd_error(size_t code) {
  return fail(ErrorKind::malformed,
              std::string("zstd: ") + ZSTD_getErrorName(code));
}

struct FreeDecoder {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Decoder = std::unique_ptr<ZSTD_DCtx, FreeDecoder>;

} // namespace

struct FrameCompressor::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  ~Context() { ZSTD_freeCCtx(zstd); }
};

FrameCompressor::FrameCompressor() : context_(std::make_unique<Context>()) {
  ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_checksumFlag, 1);
}

FrameCompressor::~FrameCompressor() = default;

void FrameCompressor::set_level(int level) {
  ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, level);
}

size_t FrameCompressor::bound(size_t bytes) {
  return ZSTD_compressBound(bytes);
}

Result<size_t> FrameCompressor::compress(std::span<const std::byte> in,
                                         std::span<std::byte> out) {
  size_t size = ZSTD_compress2(context_->zstd, out.data(), out.size(),
                               in.data(), in.size());
  if (ZSTD_isError(size))
    return zstd_error(size);
  return size;
}

Status decompress_frame(std::span<const std::byte> frame,
                        std::span<std::byte> out) {
  size_t size =
      ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(size))
    return zstd_error(size);
  if (size != out.size())
    return fail(ErrorKind::malformed,
                "the frame holds " + std::to_string(size) +
                    " bytes, expected " + std::to_string(out.size()));
  return {};
}

size_t decompress_start(std::span<const std::byte> frame,
                        std::span<std::byte> out) {
  Decoder decoder(ZSTD_createDCtx());
  ZSTD_inBuffer from{frame.data(), frame.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  for (;;) {
    size_t taken = from.pos, given = to.pos;
    size_t left = ZSTD_decompressStream(decoder.get(), &to, &from);
    bool moved = from.pos != taken || to.pos != given;
    if (ZSTD_isError(left) || left == 0 || !moved)
      return to.pos;
  }
}

struct StreamDecompressor::Context {
  Decoder zstd{ZSTD_createDCtx()};
  std::vector<std::byte> out = std::vector<std::byte>(ZSTD_DStreamOutSize());
  bool inside = false;
};

StreamDecompressor::StreamDecompressor()
    : context_(std::make_unique<Context>()) {}

StreamDecompressor::~StreamDecompressor() = default;

Status StreamDecompressor::feed(std::span<const std::byte> in,
                                const Sink& sink) {
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  bool full = false; // more output may wait inside
  while (from.pos < from.size || full) {
    ZSTD_outBuffer to{context_->out.data(), context_->out.size(), 0};
    size_t left = ZSTD_decompressStream(context_->zstd.get(), &to, &from);
    if (ZSTD_isError(left))
      return zstd_error(left);
    context_->inside = left != 0;
    full = to.pos == to.size && context_->inside;
    if (Status ok = sink(std::span(context_->out).first(to.pos)); !ok)
      return ok;
  }
  return {};
}

bool StreamDecompressor::inside_frame() const {
  return context_->inside;
}

} // namespace migscope::captures
