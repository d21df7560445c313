// Images in files, as the source of a saved state wants them.
#pragma once

#include "captures/containers/qcow2_state.h"
#include "tests/captures/containers/memory_source.h"
#include "tests/captures/containers/qcow2_builder.h"
#include "tests/support/temp_dir.h"

#include <fcntl.h>
#include <unistd.h>

namespace migscope::test {

class ImageFile {
public:
  Result<std::unique_ptr<captures::ByteSource>>
  open(std::span<const std::byte> image,
       const std::optional<std::string>& snapshot = {}) {
    auto path = directory_ / "image";
    testing::write_file(path, image);
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    auto file = captures::Mapping::of(fd, image.size(), "IMAGE");
    ::close(fd);
    if (!file)
      return fail(file.error());
    return captures::qcow2_state(std::move(*file), "IMAGE", snapshot);
  }

private:
  testing::TempDir directory_;
};

// A saved state of `size` bytes with holes: every 16th KiB is zero.
inline Bytes state_with_holes(size_t size) {
  Bytes out = testing::pattern(0, size);
  for (size_t at = 0; at < size; at += 16 << 10)
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(at),
                std::min<size_t>(1 << 10, size - at), std::byte{0});
  return out;
}

} // namespace migscope::test
