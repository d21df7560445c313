// Values by their paths: "env.regs[3]", "cpu/xsave.env.xcr0".
#pragma once

#include "captures/vmstate/values.h"

#include <functional>

namespace migscope::analyzer {

struct PathValue {
  std::string path;
  captures::Value value;
};

// The path of a member of what has the path `parent`, or of an element.
[[nodiscard]] std::string member_path(const std::string& parent,
                                      std::string_view name);
[[nodiscard]] std::string element_path(const std::string& parent, size_t index);

// All values that have no others inside, arrays of plain values among them.
[[nodiscard]] std::vector<PathValue>
leaves(std::span<const captures::Value> values);

// What is behind the last dot of a path: "regs[3]".
[[nodiscard]] std::string last_name(const std::string& path);

// The outermost values whose path, name or last name is wanted, be it one
// element of an array.
[[nodiscard]] std::vector<PathValue>
select(std::span<const captures::Value> values,
       const std::function<bool(const std::string&)>& wanted);

} // namespace migscope::analyzer
