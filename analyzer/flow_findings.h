// What limited the transfer, in a sentence.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::analyzer {

// Of the whole migration, by its rounds; of the pause. Nothing where no
// observation says.
[[nodiscard]] std::optional<Finding> flow_finding(const Analysis& analysis);
[[nodiscard]] std::optional<Finding>
pause_flow_finding(const Analysis& analysis);

} // namespace migscope::analyzer
