// Compressors for tests, straight from the libraries.
#pragma once

#include "tests/support/bytes.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace migscope::test {

using testing::Bytes;

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One whole zlib stream, or a gzip member.
inline Bytes deflated(std::span<const std::byte> in, bool gzip) {
  z_stream zs{};
  deflateInit2(&zs, 6, Z_DEFLATED, MAX_WBITS + (gzip ? 16 : 0), 8,
               Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&zs, in.size()));
  zs.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
  zs.avail_in = static_cast<uInt>(in.size());
  zs.next_out = reinterpret_cast<Bytef*>(out.data());
  zs.avail_out = static_cast<uInt>(out.size());
  deflate(&zs, Z_FINISH);
  out.resize(zs.total_out);
  deflateEnd(&zs);
  return out;
}

inline Bytes zlib_packed(std::span<const std::byte> in) {
  return deflated(in, false);
}

inline Bytes gzip_packed(std::span<const std::byte> in) {
  return deflated(in, true);
}

inline Bytes zstd_packed(std::span<const std::byte> in) {
  Bytes out(ZSTD_compressBound(in.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 3));
  return out;
}

inline Bytes xz_packed(std::span<const std::byte> in, uint32_t preset = 1) {
  Bytes out(lzma_stream_buffer_bound(in.size()));
  size_t size = 0;
  auto result = lzma_easy_buffer_encode(
      preset, LZMA_CHECK_CRC32, nullptr,
      reinterpret_cast<const uint8_t*>(in.data()), in.size(),
      reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  out.resize(result == LZMA_OK ? size : 0);
  return out;
}

} // namespace migscope::test
