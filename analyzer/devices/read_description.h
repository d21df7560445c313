// A description borrowed from elsewhere.
#pragma once

#include "base/error.h"

#include <filesystem>

namespace migscope::analyzer {

// The JSON text of a description: that at the end of another capture's stream,
// whatever that came in, or the whole of a file that begins with '{' (a
// description by itself, or what -dump-vmstate wrote), compressed or not. Reads
// all of a capture only where its end cannot be had otherwise.
[[nodiscard]] Result<std::string>
read_description(const std::filesystem::path& path);

} // namespace migscope::analyzer
