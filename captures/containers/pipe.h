// What can only be read once, from front to back: a pipe, a socket, a device.
#pragma once

#include "captures/byte_source.h"
#include "captures/containers/file_descriptor.h"

#include <memory>

namespace migscope::captures {

// `name` is for messages.
[[nodiscard]] std::unique_ptr<ByteSource> pipe_source(FileDescriptor fd,
                                                      std::string name);

} // namespace migscope::captures
