// The lab guest, carried inside the program: what `-kernel` of QEMU takes.
// tools/lab/guest/README.md tells its command line and what it prints.
#pragma once

#include <cstddef>
#include <span>

namespace migscope::tools {

// A 32-bit multiboot ELF; lives as long as the program.
[[nodiscard]] std::span<const std::byte> lab_guest_image();

// For the Linux guest: the workload as a program, and /init.
[[nodiscard]] std::span<const std::byte> lab_workload_image();
[[nodiscard]] std::span<const std::byte> lab_init_script();

} // namespace migscope::tools
