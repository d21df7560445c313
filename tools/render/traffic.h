// A packet capture's figures, as text and as JSON (docs/traffic-json.md).
#pragma once

#include "analyzer/traffic/traffic.h"
#include "qmp/json.h"

namespace migscope::tools {

[[nodiscard]] std::string render_text(const analyzer::TrafficReport& report);
// Schema "migscope/traffic-1".
[[nodiscard]] qmp::Json render_json(const analyzer::TrafficReport& report);

} // namespace migscope::tools
