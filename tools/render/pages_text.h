// The ledger's part of the report on a terminal.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::tools {

[[nodiscard]] std::string pages_text(const analyzer::PageReport& pages,
                                     uint32_t page_size);

} // namespace migscope::tools
