#include "tools/lab/guest_image.h"

// The two ends of the bytes in tools/lab/guest/image.S.
extern "C" const std::byte migscope_lab_guest_begin[];
extern "C" const std::byte migscope_lab_guest_end[];

namespace migscope::tools {

std::span<const std::byte> lab_guest_image() {
  return {migscope_lab_guest_begin, migscope_lab_guest_end};
}

} // namespace migscope::tools
