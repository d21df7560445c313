// TOML, as the JSON that says the same. The only user of toml++.
#pragma once

#include "qmp/json.h"

namespace migscope::analyzer {

// `name` is the text's for errors, which say the line. What guard_toml()
// refuses, dates among it, is an error.
[[nodiscard]] Result<qmp::Json> parse_toml(std::string_view text,
                                           const std::string& name);

} // namespace migscope::analyzer
