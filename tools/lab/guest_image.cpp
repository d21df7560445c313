#include "tools/lab/guest_image.h"

// The two ends of the bytes in tools/lab/guest/image.S.
extern "C" const std::byte migscope_lab_guest_begin[];
extern "C" const std::byte migscope_lab_guest_end[];
extern "C" const std::byte migscope_lab_workload_begin[];
extern "C" const std::byte migscope_lab_workload_end[];
extern "C" const std::byte migscope_lab_init_begin[];
extern "C" const std::byte migscope_lab_init_end[];

namespace migscope::tools {

std::span<const std::byte> lab_guest_image() {
  return {migscope_lab_guest_begin, migscope_lab_guest_end};
}

std::span<const std::byte> lab_workload_image() {
  return {migscope_lab_workload_begin, migscope_lab_workload_end};
}

std::span<const std::byte> lab_init_script() {
  return {migscope_lab_init_begin, migscope_lab_init_end};
}

} // namespace migscope::tools
