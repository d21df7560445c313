// The header of libvirt's save image ("virsh save", "virsh managedsave").
//
// Source: libvirt src/qemu/qemu_saveimage.h (struct _virQEMUSaveHeader) and
// qemu_saveimage.c (virQEMUSaveDataWrite), versions 1.x to 11.x:
//
//   char magic[16]; u32 version, data_len, was_running, format, cookieOffset;
//   u32 unused[14]; then data_len bytes: domain XML with its NUL, a cookie (XML
//   too, with its NUL) at cookieOffset, room for a longer XML. The stream
//   follows, compressed by the program that `format` stands for.
//
// Numbers are in the byte order of the host that saved.
#pragma once

#include "base/error.h"

#include <span>
#include <string_view>

namespace migscope::captures {

// libvirt's names, which are those of the programs too.
enum class SaveFormat : uint8_t { raw, gzip, bzip2, xz, lzop, zstd, sparse };

[[nodiscard]] std::string_view to_string(SaveFormat format);

struct SaveHeader {
  // False where saving was not finished ("LibvirtQemudPart").
  bool complete = true;
  uint32_t version = 0;
  bool was_running = false;
  // sparse is mapped-ram: its offsets count from the file's start.
  SaveFormat format = SaveFormat::raw;
  // The domain XML begins behind the header, the cookie behind the XML.
  uint32_t xml_bytes = 0;
  uint32_t cookie_bytes = 0;  // 0: none
  uint64_t stream_offset = 0; // in the file
};

inline constexpr size_t kSaveHeaderBytes = 92;

// `start` is the first bytes of the image; more than kSaveHeaderBytes add
// nothing. Fails with kind truncated, malformed or unsupported, and the offset
// of the field.
[[nodiscard]] Result<SaveHeader>
parse_save_header(std::span<const std::byte> start);

} // namespace migscope::captures
