// Compression as QEMU's multifd channels do it, to tell what it would make of
// pages: one stream for the life of a channel, a page after the other, flushed
// behind each packet so that the packet can be read (QEMU
// migration/multifd-zlib.c and -zstd.c, 7.2 to 11.1).
#pragma once

#include "base/error.h"

#include <memory>
#include <span>

namespace migscope::captures {

class PacketPacker {
public:
  virtual ~PacketPacker() = default;
  // Bytes that a packet of these pages, one after the other, takes behind the
  // packets before it. `pages` is not empty. Fails where the library does, of
  // kind unsupported.
  [[nodiscard]] virtual Result<uint64_t>
  pack(std::span<const std::byte> pages) = 0;
};

// `level` as the library counts, `page_size` in bytes.
[[nodiscard]] std::unique_ptr<PacketPacker> zlib_packer(int level,
                                                        size_t page_size);
[[nodiscard]] std::unique_ptr<PacketPacker> zstd_packer(int level,
                                                        size_t page_size);

} // namespace migscope::captures
