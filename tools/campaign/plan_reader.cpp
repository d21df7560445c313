#include "tools/campaign/plan_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace migscope::tools {

using qmp::Json;

Json PlanReader::take(const char* key) {
  known_.insert(key);
  return object_.get(key);
}

void PlanReader::refuse(const std::string& key, const std::string& expected) {
  if (error_)
    return;
  error_ = Error{ErrorKind::usage,
                 fmt::format("{}{}{}: expected {}, found {}", place_,
                             place_.empty() ? "" : ".", key, expected,
                             object_.get(key.c_str()).dump())};
}

void PlanReader::text(const char* key, std::string& out) {
  Json value = take(key);
  if (value.is_null())
    return;
  if (auto read = value.as_string())
    out = *read;
  else
    refuse(key, "a text");
}

void PlanReader::texts(const char* key, std::vector<std::string>& out) {
  Json value = take(key);
  if (value.is_null())
    return;
  std::vector<std::string> read;
  for (const Json& item : value.elements())
    if (auto word = item.as_string())
      read.push_back(*word);
  if (!value.is_array() || read.size() != value.elements().size())
    return refuse(key, "a list of texts");
  out = std::move(read);
}

void PlanReader::flag(const char* key, bool& out) {
  Json value = take(key);
  if (value.is_null())
    return;
  if (auto read = value.as_bool())
    out = *read;
  else
    refuse(key, "true or false");
}

void PlanReader::count(const char* key, uint64_t least, uint64_t most,
                       uint64_t& out) {
  Json value = take(key);
  if (value.is_null())
    return;
  auto read = value.as_uint();
  if (read && *read >= least && *read <= most)
    out = *read;
  else
    refuse(key, fmt::format("a whole number from {} to {}", least, most));
}

void PlanReader::count(const char* key, std::optional<uint64_t>& out) {
  uint64_t value = 0;
  if (take(key).is_null())
    return;
  count(key, 0, 1'000'000, value);
  out = value;
}

void PlanReader::number(const char* key, double least, double most,
                        double& out) {
  Json value = take(key);
  if (value.is_null())
    return;
  auto read = value.as_double();
  if (read && *read >= least && *read <= most)
    out = *read;
  else
    refuse(key, fmt::format("a number from {} to {}", least, most));
}

Json PlanReader::object(const char* key) {
  Json value = take(key);
  if (!value.is_null() && !value.is_object())
    refuse(key, "a table");
  return value;
}

Status PlanReader::finish() {
  if (error_)
    return fail(*error_);
  for (const std::string& key : object_.keys())
    if (!known_.contains(key))
      return fail(ErrorKind::usage,
                  fmt::format("{}{}{}: expected one of {}", place_,
                              place_.empty() ? "" : ".", key,
                              fmt::join(known_, ", ")));
  return {};
}

} // namespace migscope::tools
