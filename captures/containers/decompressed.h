// Compressed data, unpacked from its beginning as it is read.
#pragma once

#include "captures/byte_source.h"
#include "captures/codec/inflater.h"

#include <memory>

namespace migscope::captures {

// Takes all of `packed`, which may be several members, streams or frames on
// end. Memory is the inflater's window and two pieces. Data that ends too early
// or breaks gives what could be unpacked, then an error of kind truncated or
// malformed with the offset in the file and `name`. Has no tail: that would
// take unpacking it twice.
[[nodiscard]] std::unique_ptr<ByteSource>
decompressed_source(std::unique_ptr<ByteSource> packed,
                    std::unique_ptr<Inflater> inflater, std::string name);

} // namespace migscope::captures
