// Ceilings for what a stream may claim. QEMU stays far below each; a stream
// that goes above is reported as malformed, never allocated for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace migscope::captures::limits {

inline constexpr size_t kMaxMachineName = 256;
inline constexpr size_t kMaxRamBlocks = 65536;
inline constexpr uint64_t kMaxRamBytes = 1ull << 52; // x86's physical limit
inline constexpr uint32_t kMinPageSize = 256;        // AVR
inline constexpr uint32_t kMaxPageSize = 65536;
inline constexpr size_t kMaxSections = 65536;
// A device section's body while its footer is looked for; a piece of a
// device's state on a multifd channel.
inline constexpr size_t kMaxDeviceBytes = 64u << 20;
inline constexpr size_t kMaxDescriptionBytes = 64u << 20;
inline constexpr size_t kMaxCapabilities = 256;
// MAX_VM_CMD_PACKAGED_SIZE of QEMU migration/savevm.c is 2^24.
inline constexpr size_t kMaxPackageBytes = 1u << 24;
// What a multifd packet's pages take compressed: QEMU migration/multifd-zlib.c
// and -zstd.c make room for twice the pages.
inline constexpr size_t kMaxMultifdPayload = 1u << 20;
// A block's bitmap on the return path: a bit for each 4 KiB of 8 TiB.
inline constexpr size_t kMaxBitmapBytes = 256u << 20;

} // namespace migscope::captures::limits
