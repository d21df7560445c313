// The service that a guest gave.
#pragma once

#include "analyzer/service/service.h"
#include "qmp/json.h"

namespace migscope::tools {

// Lines for a terminal.
[[nodiscard]] std::string service_text(const analyzer::Service& service);
// The object that analysis-1 has as `service`; null without one.
[[nodiscard]] qmp::Json
service_json(const std::optional<analyzer::Service>& service);

} // namespace migscope::tools
