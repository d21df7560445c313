// A channel of a recording, and any zstd file whose frames say their size: both
// can be read from any frame on.
#pragma once

#include "captures/byte_source.h"

#include <filesystem>
#include <memory>

namespace migscope::captures {

// Fails with kind unsupported where the file is to be unpacked from its
// beginning, as compressed data of any kind is.
[[nodiscard]] Result<std::unique_ptr<ByteSource>>
stored_channel(const std::filesystem::path& path);

} // namespace migscope::captures
