// The PATHs that a verb was given, as one recording.
#pragma once

#include "captures/sources.h"

namespace migscope::tools {

inline constexpr const char* kPathsHelp =
    "Session directory or stream file, compressed or in a container, or - for "
    "standard input; several are channels or sessions of one migration, in any "
    "order";

// A pipe, a socket, a terminal: what is read of it is gone. "-" is taken for
// one, whatever it is.
[[nodiscard]] bool reads_once(const std::string& path);
// Fails with kind usage where one of those is given more than once.
[[nodiscard]] Status check_once(const std::vector<std::string>& paths);

// One path as captures::open_recording takes it; several are channel files and
// sessions of one migration, in any order: a postcopy that was paused and
// recovered is in two sessions. The first with a monitor's log tells of it.
// Fails where what can be read once is given twice.
[[nodiscard]] Result<captures::Recording>
open_paths(const std::vector<std::string>& paths);

} // namespace migscope::tools
