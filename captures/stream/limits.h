// Ceilings for what a stream may claim. QEMU stays far below each; a stream
// that goes above is reported as malformed, never allocated for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace migscope::captures::limits {

inline constexpr size_t kMaxMachineName = 256;
// The bookkeeping of pages costs each block 8 KiB at least.
inline constexpr size_t kMaxRamBlocks = 4096;
inline constexpr uint64_t kMaxRamBytes = 1ull << 52; // x86's physical limit
inline constexpr uint32_t kMinPageSize = 256;        // AVR
inline constexpr uint32_t kMaxPageSize = 65536;
// Sections with START, by id; devices; and what sends its state in pieces.
inline constexpr size_t kMaxSections = 65536;
// RAM sections that are told apart: QEMU begins one in 50 to 100 ms.
inline constexpr size_t kMaxRamSections = 1'000'000;
// A device section's body while its footer is looked for; a piece of a
// device's state on a multifd channel.
inline constexpr size_t kMaxDeviceBytes = 64u << 20;
inline constexpr size_t kMaxDescriptionBytes = 64u << 20;
// Devices whose states are kept together, and the bytes of these, with what is
// noted of each.
inline constexpr size_t kMaxDevices = 65536;
inline constexpr uint64_t kMaxDeviceStates = 256u << 20;
// Objects and arrays inside one another; each nested struct takes three.
inline constexpr size_t kMaxDescriptionDepth = 128;
// Values that the state of one device is taken apart into, and elements of its
// arrays of plain values.
inline constexpr size_t kMaxDeviceValues = 1u << 18;
inline constexpr size_t kMaxDeviceElements = 1u << 20;
// Problems of one kind that are told, the others only counted.
inline constexpr size_t kMaxProblems = 1000;
// Problems of one device's values that are told.
inline constexpr size_t kMaxValueProblems = 100;
inline constexpr size_t kMaxCapabilities = 256;
// MAX_VM_CMD_PACKAGED_SIZE of QEMU migration/savevm.c is 2^24.
inline constexpr size_t kMaxPackageBytes = 1u << 24;
// What a multifd packet's pages take compressed: QEMU migration/multifd-zlib.c
// and -zstd.c make room for twice the pages.
inline constexpr size_t kMaxMultifdPayload = 1u << 20;
// A block's bitmap on the return path: a bit for each 4 KiB of 8 TiB.
inline constexpr size_t kMaxBitmapBytes = 256u << 20;
// Page requests that are followed to their answers; further ones are counted.
inline constexpr size_t kMaxPageRequests = 1u << 20;
// Separate ranges of discarded pages that are followed until their pages come
// again: 256 MiB of memory.
inline constexpr size_t kMaxDiscardedRanges = 1u << 22;
// The bitmap of a block in a mapped-ram file, which is kept while the block's
// pages are read: enough for a block of 16 TiB in pages of 4 KiB.
inline constexpr uint64_t kMaxMappedBitmapBytes = 512u << 20;
// From the end of such a bitmap to the pages. QEMU goes on at the next MiB; a
// huge page would be the largest alignment with a use.
inline constexpr uint64_t kMaxMappedPadding = 1u << 30;
// Places where one stream is broken. Reading on after each costs a look at up
// to kMaxStrayBytes once more.
inline constexpr size_t kMaxDamages = 1000;
// How far behind the footer of another section a section's own is looked for.
// What follows a footer so convincingly is never part of a device's state, but
// a guest's device could be made to hold it.
inline constexpr size_t kMaxStrayBytes = 64u << 10;
// Of compression and headers around a stream; a save image and the compression
// that its header names count as one.
inline constexpr int kMaxLayers = 3;
// libvirt's own messages, which bring it, are 32 MiB at the most.
inline constexpr uint32_t kMaxSaveXmlBytes = 32u << 20;
// QEMU block/qcow2.h: QCOW_MAX_SNAPSHOTS.
inline constexpr uint32_t kMaxSnapshots = 65536;
// QEMU block/qcow2.h: QCOW_MAX_L1_SIZE is 32 MiB.
inline constexpr uint32_t kMaxL1Entries = 4u << 20;
// Zeros read where a saved state's image holds nothing; skipped ones are free.
inline constexpr uint64_t kMaxStateHoles = 1ull << 36;

} // namespace migscope::captures::limits
