// The text by which crash and drgn find their way in a Linux kernel's memory.
#pragma once

#include "analyzer/memory/memory_image.h"

namespace migscope::analyzer {

struct Vmcoreinfo {
  std::string text;    // of the first page that holds one; empty: none does
  size_t distinct = 0; // different texts found: a nested guest has its own
};

// Looks through a block for a page that begins as the kernel's does (Linux
// kernel/vmcore_info.c). The image's file is read.
[[nodiscard]] Result<Vmcoreinfo> find_vmcoreinfo(const MemoryImage& image,
                                                 size_t block);

// Where the kernel's image lies.
struct KernelImage {
  uint64_t virtual_address = 0; // of its text, rounded down to 2 MiB
  uint64_t address = 0;         // guest-physical
};

// By a text of vmcoreinfo; nothing where it does not say it.
[[nodiscard]] std::optional<KernelImage> kernel_image(std::string_view text);

} // namespace migscope::analyzer
