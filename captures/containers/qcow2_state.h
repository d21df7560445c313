// The saved state of a qcow2 snapshot as a stream.
#pragma once

#include "captures/byte_source.h"
#include "captures/containers/mapped_file.h"
#include "captures/containers/qcow2.h"

#include <memory>

namespace migscope::captures {

// Of `snapshot` (see pick_snapshot), out of its image. Pieces are views into
// the file. Fails where the snapshot's tables cannot hold the state; a table or
// cluster that is broken or missing gives what comes before it, then the error.
[[nodiscard]] Result<std::unique_ptr<ByteSource>>
qcow2_state(Mapping file, const std::string& name,
            const std::optional<std::string>& snapshot);

} // namespace migscope::captures
