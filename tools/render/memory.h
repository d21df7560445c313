// A rebuilt memory and a page's history, as text and as JSON (docs/memory.md).
#pragma once

#include "analyzer/memory/memory_report.h"
#include "qmp/json.h"

namespace migscope::tools {

[[nodiscard]] std::string render_text(const analyzer::MemoryReport& report);
[[nodiscard]] std::string render_text(const analyzer::HistoryReport& report);
// Schema "migscope/memory-1".
[[nodiscard]] qmp::Json render_json(const analyzer::MemoryReport& report);
// Schema "migscope/page-1".
[[nodiscard]] qmp::Json render_json(const analyzer::HistoryReport& report);

} // namespace migscope::tools
