#include "analyzer/study/toml.h"

#include "analyzer/study/toml_guard.h"

#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <sstream>
#include <toml++/toml.h>

namespace migscope::analyzer {

Result<qmp::Json> parse_toml(std::string_view text, const std::string& name) {
  if (auto sound = guard_toml(text, name); !sound)
    return fail(sound.error());
  toml::parse_result result = toml::parse(text);
  if (!result) {
    const toml::parse_error& error = result.error();
    return fail(
        {ErrorKind::malformed,
         fmt::format("line {}, column {}: {}", error.source().begin.line,
                     error.source().begin.column, error.description()),
         name,
         {}});
  }
  std::ostringstream json;
  json << toml::json_formatter{result.table()};
  auto parsed = qmp::Json::parse(json.str());
  if (!parsed)
    return fail({ErrorKind::malformed, parsed.error().message, name, {}});
  return parsed;
}

} // namespace migscope::analyzer
