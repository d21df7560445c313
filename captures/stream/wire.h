// Values of QEMU's migration stream, each with QEMU's own name beside it.
// Values only, no logic. Source: QEMU migration/savevm.h, migration/ram.c,
// migration/savevm.c, 7.2 to 11.1. All integers on the wire are big-endian.
#pragma once

#include <cstdint>

namespace migscope::captures::wire {

inline constexpr uint32_t kFileMagic = 0x5145564d; // QEMU_VM_FILE_MAGIC, "QEVM"
inline constexpr uint32_t kFileVersion = 3;        // QEMU_VM_FILE_VERSION
inline constexpr uint32_t kOldFileVersion = 2; // QEMU_VM_FILE_VERSION_COMPAT

inline constexpr uint8_t kEof = 0x00;           // QEMU_VM_EOF
inline constexpr uint8_t kSectionStart = 0x01;  // QEMU_VM_SECTION_START
inline constexpr uint8_t kSectionPart = 0x02;   // QEMU_VM_SECTION_PART
inline constexpr uint8_t kSectionEnd = 0x03;    // QEMU_VM_SECTION_END
inline constexpr uint8_t kSectionFull = 0x04;   // QEMU_VM_SECTION_FULL
inline constexpr uint8_t kSubsection = 0x05;    // QEMU_VM_SUBSECTION
inline constexpr uint8_t kVmDescription = 0x06; // QEMU_VM_VMDESCRIPTION
inline constexpr uint8_t kConfiguration = 0x07; // QEMU_VM_CONFIGURATION
inline constexpr uint8_t kCommand = 0x08;       // QEMU_VM_COMMAND
inline constexpr uint8_t kSectionFooter = 0x7e; // QEMU_VM_SECTION_FOOTER

// Low bits of a RAM page word.
inline constexpr uint64_t kRamZero = 0x002;         // RAM_SAVE_FLAG_ZERO
inline constexpr uint64_t kRamMemSize = 0x004;      // RAM_SAVE_FLAG_MEM_SIZE
inline constexpr uint64_t kRamPage = 0x008;         // RAM_SAVE_FLAG_PAGE
inline constexpr uint64_t kRamEos = 0x010;          // RAM_SAVE_FLAG_EOS
inline constexpr uint64_t kRamContinue = 0x020;     // RAM_SAVE_FLAG_CONTINUE
inline constexpr uint64_t kRamXbzrle = 0x040;       // RAM_SAVE_FLAG_XBZRLE
inline constexpr uint64_t kRamHook = 0x080;         // RAM_SAVE_FLAG_HOOK
inline constexpr uint64_t kRamCompress = 0x100;     // ..._COMPRESS_PAGE, <= 9.0
inline constexpr uint64_t kRamMultifdFlush = 0x200; // ..._MULTIFD_FLUSH, 8.1+
// Wide enough for every flag, narrower than any page but AVR's.
inline constexpr uint64_t kRamFlagMask = 0x3ff;

// A multifd channel (QEMU migration/multifd.h).
inline constexpr uint32_t kMultifdMagic = 0x11223344; // MULTIFD_MAGIC
inline constexpr uint32_t kMultifdVersion = 1;        // MULTIFD_VERSION
inline constexpr uint32_t kMultifdPacketBytes = 512
                                                << 10; // MULTIFD_PACKET_SIZE
inline constexpr uint32_t kMultifdSync = 0x01;         // MULTIFD_FLAG_SYNC
// MULTIFD_FLAG_COMPRESSION_MASK since 9.2; it had fewer bits before.
inline constexpr uint32_t kMultifdMethods = 0x3e;
inline constexpr uint32_t kMultifdDevice = 0x40; // ..._DEVICE_STATE, 10.0+

enum class Command : uint16_t {
  open_return_path = 1,  // MIG_CMD_OPEN_RETURN_PATH
  ping = 2,              // MIG_CMD_PING
  postcopy_advise = 3,   // MIG_CMD_POSTCOPY_ADVISE
  postcopy_listen = 4,   // MIG_CMD_POSTCOPY_LISTEN
  postcopy_run = 5,      // MIG_CMD_POSTCOPY_RUN
  postcopy_discard = 6,  // MIG_CMD_POSTCOPY_RAM_DISCARD
  packaged = 7,          // MIG_CMD_PACKAGED
  enable_colo = 8,       // MIG_CMD_ENABLE_COLO
  postcopy_resume = 9,   // MIG_CMD_POSTCOPY_RESUME
  recv_bitmap = 10,      // MIG_CMD_RECV_BITMAP
  switchover_start = 11, // MIG_CMD_SWITCHOVER_START, 10.0+
};

} // namespace migscope::captures::wire
