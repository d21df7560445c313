#include "captures/stream/stream_start.h"

#include "base/byte_order.h"
#include "captures/stream/command.h"
#include "captures/stream/return_path.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <array>

namespace migscope::captures {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  StreamStart start;
};

constexpr std::array<Magic, 10> kMagics = {{
    {"QEVM"sv, StreamStart::main},
    {"\x11\x22\x33\x44"sv, StreamStart::multifd},
    {"QCPR"sv, StreamStart::cpr},
    {"\x16\x03"sv, StreamStart::tls}, // record type handshake, version 3.x
    // libvirt src/qemu/qemu_saveimage.h: QEMU_SAVE_MAGIC, QEMU_SAVE_PARTIAL.
    {"LibvirtQemudSave"sv, StreamStart::libvirt_save},
    {"LibvirtQemudPart"sv, StreamStart::libvirt_save},
    {"\x1f\x8b"sv, StreamStart::gzip},
    {"\x28\xb5\x2f\xfd"sv, StreamStart::zstd},
    {"\xfd"
     "7zXZ\0"sv,
     StreamStart::xz},
    {"QFI\xfb"sv, StreamStart::qcow2},
}};

// A recovered main channel begins with RECV_BITMAP or, where the guest has no
// block to ask for, POSTCOPY_RESUME.
bool starts_with_command(std::span<const std::byte> bytes) {
  if (bytes.size() < 5 || bytes[0] != std::byte{wire::kCommand})
    return false;
  auto command = load_be<uint16_t>(bytes.data() + 1);
  auto length = load_be<uint16_t>(bytes.data() + 3);
  return (command == static_cast<uint16_t>(wire::Command::recv_bitmap) ||
          command == static_cast<uint16_t>(wire::Command::postcopy_resume)) &&
         legal_length(command, length);
}

// A return path begins with the answer to the PING that opens it or, after a
// postcopy pause, with RECV_BITMAP.
bool starts_with_answer(std::span<const std::byte> bytes) {
  if (bytes.size() < 8)
    return false;
  auto message = load_be<uint16_t>(bytes.data());
  auto length = load_be<uint16_t>(bytes.data() + 2);
  bool pong = message == static_cast<uint16_t>(ReturnMessage::pong) &&
              length == sizeof(uint32_t);
  bool bitmap = message == static_cast<uint16_t>(ReturnMessage::recv_bitmap) &&
                length > 1 && std::to_integer<size_t>(bytes[4]) + 1 == length;
  return pong || bitmap;
}

// A page word with PAGE or ZERO and a block name.
bool starts_with_page(std::span<const std::byte> bytes) {
  if (bytes.size() < 10)
    return false;
  auto word = load_be<uint64_t>(bytes.data());
  auto flags = word & wire::kRamFlagMask;
  auto length = std::to_integer<size_t>(bytes[8]);
  auto name = bytes.subspan(9, std::min(length, bytes.size() - 9));
  return word < (1ull << 52) &&
         (flags == wire::kRamPage || flags == wire::kRamZero) && length > 0 &&
         std::ranges::all_of(name, [](std::byte b) {
           return b > std::byte{0x20} && b < std::byte{0x7f};
         });
}

// A zstd file may begin with a skippable frame (RFC 8878, 3.1.2), as those of
// recordings do.
bool starts_with_skippable_frame(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 &&
         (load_le<uint32_t>(bytes.data()) & ~0xfu) == 0x184d2a50;
}

} // namespace

StreamStart classify_start(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), kStartBytes));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  for (const Magic& magic : kMagics)
    if (text.starts_with(magic.bytes))
      return magic.start;
  if (starts_with_skippable_frame(bytes))
    return StreamStart::zstd;
  if (starts_with_command(bytes))
    return StreamStart::recovered_main;
  if (starts_with_answer(bytes))
    return StreamStart::return_path;
  if (starts_with_page(bytes))
    return StreamStart::preempt;
  return StreamStart::unknown;
}

std::string_view describe(StreamStart start) {
  switch (start) {
  case StreamStart::main:
    return "a migration's main channel";
  case StreamStart::multifd:
    return "a multifd channel";
  case StreamStart::cpr:
    return "a CPR state channel";
  case StreamStart::recovered_main:
    return "a main channel after a postcopy pause";
  case StreamStart::preempt:
    return "a postcopy-preempt channel";
  case StreamStart::return_path:
    return "a return path";
  case StreamStart::tls:
    return "an encrypted (TLS) connection";
  case StreamStart::libvirt_save:
    return "a libvirt save image";
  case StreamStart::gzip:
    return "gzip-compressed data";
  case StreamStart::zstd:
    return "zstd-compressed data";
  case StreamStart::xz:
    return "xz-compressed data";
  case StreamStart::qcow2:
    return "a qcow2 image";
  case StreamStart::unknown:
    break;
  }
  return "nothing known";
}

} // namespace migscope::captures
