// A Linux guest for the lab: Debian's cloud kernel and busybox, which
// tools/get-linux gets, and the lab's own workload as a program.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace migscope::tools {

struct LinuxFiles {
  std::filesystem::path kernel, initrd; // as tools/get-linux made them
};

// Fails where they are not there, saying how to get them.
[[nodiscard]] Result<LinuxFiles> find_linux();

// One file of an archive that the kernel unpacks on top of another; all can be
// run.
struct ArchivedFile {
  std::string name;
  std::span<const std::byte> content;
};

// A cpio archive (Linux, Documentation/driver-api/early-userspace/
// buffer-format.rst, "newc").
[[nodiscard]] std::string cpio_archive(const std::vector<ArchivedFile>& files);

// The initrd of a lab guest: that of `linux`, and behind it /init and the
// workload.
[[nodiscard]] Result<std::string> lab_initrd(const LinuxFiles& linux);

} // namespace migscope::tools
