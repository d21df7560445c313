// What features would have saved, as part of an analysis.
#pragma once

#include "analyzer/what_if/savings.h"
#include "qmp/json.h"

namespace migscope::tools {

// Tables under a line that says what was sent. Begins with an empty line.
[[nodiscard]] std::string what_if_text(const analyzer::WhatIf& found);
// null where it was not asked for.
[[nodiscard]] qmp::Json
what_if_json(const std::optional<analyzer::WhatIf>& found);

} // namespace migscope::tools
