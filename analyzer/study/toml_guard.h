// What toml++ 3.3 must not be given, for it does not refuse it but asserts or
// worse.
#pragma once

#include "base/error.h"

#include <string>
#include <string_view>

namespace migscope::analyzer {

// Refuses text of more than 1 MiB; outside strings and comments characters that
// tables, numbers and words do not need (is_non_ascii_horizontal_whitespace()
// is undefined for most, and parse_time() asserts), dates (parse_value()
// asserts where a number follows one), brackets that do not match
// (parse_value() asserts) or are more than 16 deep, and very many dots in a
// line (each part of a key is a table in the one before, which are deleted
// recursively); and a header without a key, such as [=] (parse_key() asserts).
// All else is toml++'s to judge.
[[nodiscard]] Status guard_toml(std::string_view text, const std::string& file);

} // namespace migscope::analyzer
