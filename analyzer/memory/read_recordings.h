// Reads the channels of one migration for a consumer of its pages.
#pragma once

#include "analyzer/memory/problem_log.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// Reads to the end. Damage is told in the result (problems, complete); an
// error means that there was nothing to read.
[[nodiscard]] Result<Input>
read_recordings(std::span<const captures::Recording> recordings,
                ProblemLog& events);

} // namespace migscope::analyzer
