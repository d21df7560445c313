// The ledger's part of `migscope analyze --json`.
#pragma once

#include "analyzer/pages/page_report.h"
#include "qmp/json.h"

namespace migscope::tools {

[[nodiscard]] qmp::Json pages_json(const analyzer::PageReport& value);

} // namespace migscope::tools
