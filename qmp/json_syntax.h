// The JSON faults that json-c lets pass, found before it sees the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace migscope::qmp {

struct JsonFault {
  size_t offset = 0;
  std::string message;
};

// json-c 0.16, strict, takes NaN, Infinity, "-01" and "1.", clamps integers
// beyond 64 bits, ends the text at a NUL, and accepts overlong UTF-8 and bare
// control characters in strings; its count of levels includes a scalar's. This
// finds the first of those faults and the first level too many; it does not
// check the grammar otherwise.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view text);

} // namespace migscope::qmp
