#include "analyzer/devices/value_paths.h"

#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::Value;
using captures::ValueKind;

std::string child_path(const std::string& path, const Value& parent,
                       size_t index) {
  return parent.kind == ValueKind::array
             ? element_path(path, index)
             : member_path(path, parent.children[index].name);
}

void collect_leaves(std::string path, const Value& value,
                    std::vector<PathValue>& out) {
  if (value.children.empty()) {
    out.push_back({std::move(path), value});
    return;
  }
  for (size_t i = 0; i < value.children.size(); ++i)
    collect_leaves(child_path(path, value, i), value.children[i], out);
}

void collect_wanted(const std::string& path, const Value& value,
                    const std::function<bool(const std::string&)>& wanted,
                    std::vector<PathValue>& out) {
  if (wanted(path) || wanted(last_name(path)) ||
      (!value.name.empty() && wanted(std::string(value.name)))) {
    out.push_back({path, value});
    return;
  }
  for (size_t i = 0; i < value.children.size(); ++i)
    collect_wanted(child_path(path, value, i), value.children[i], wanted, out);
  if (!value.element_bytes)
    return;
  for (size_t i = 0; i < element_count(value); ++i)
    if (std::string at = element_path(path, i);
        wanted(at) || wanted(last_name(at)))
      out.push_back({std::move(at), element(value, i)});
}

} // namespace

std::string member_path(const std::string& parent, std::string_view name) {
  return parent.empty() ? std::string(name)
                        : fmt::format("{}.{}", parent, name);
}

std::string element_path(const std::string& parent, size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

std::string last_name(const std::string& path) {
  return path.substr(path.rfind('.') + 1); // npos + 1 is 0
}

std::vector<PathValue> leaves(std::span<const Value> values) {
  std::vector<PathValue> out;
  for (const Value& value : values)
    collect_leaves(std::string(value.name), value, out);
  return out;
}

std::vector<PathValue>
select(std::span<const Value> values,
       const std::function<bool(const std::string&)>& wanted) {
  std::vector<PathValue> out;
  for (const Value& value : values)
    collect_wanted(std::string(value.name), value, wanted, out);
  return out;
}

} // namespace migscope::analyzer
