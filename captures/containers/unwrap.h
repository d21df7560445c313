// Takes off what a stream may be wrapped in: compression, libvirt's header.
#pragma once

#include "captures/byte_source.h"

#include <memory>

namespace migscope::captures {

// Told by the first bytes, layer by layer, limits::kMaxLayers at the most; what
// is none of them is given as it is, for its reader to name. `name` is the
// file, for messages. Fails where a layer is known and cannot be read, and says
// what to do instead.
[[nodiscard]] Result<std::unique_ptr<ByteSource>>
unwrap(std::unique_ptr<ByteSource> source, const std::string& name);

} // namespace migscope::captures
