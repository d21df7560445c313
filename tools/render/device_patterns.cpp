#include "tools/render/device_patterns.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>
#include <fnmatch.h>
#include <numeric>
#include <set>

namespace migscope::tools {

using namespace analyzer;

namespace {

// Names that are compared, their letters, and how many are told.
constexpr size_t kMaxNames = 4096;
constexpr size_t kMaxLetters = 64;
constexpr size_t kNear = 3;

Wanted glob(const std::string& pattern) {
  if (pattern.empty())
    return {};
  return [pattern](const std::string& name) {
    return name == pattern || fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  };
}

// Letters to put in, take out or change to make the one the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t k = 0; k < b.size(); ++k) {
      size_t changed = diagonal + (a[i] != b[k]);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, row[k] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string_view end_of(std::string_view name, char separator) {
  return name.substr(name.rfind(separator) + 1); // npos + 1 is 0
}

// The names that are most like the pattern, as wholes or by their ends.
class NearNames {
public:
  NearNames(std::string pattern, char separator)
      : letters_(std::move(pattern)), separator_(separator) {
    std::erase_if(letters_, [](char c) { return c == '*' || c == '?'; });
    letters_.resize(std::min(letters_.size(), kMaxLetters));
  }

  void add(const std::string& name) {
    if (name.empty() || name.size() > kMaxLetters || seen_.size() >= kMaxNames)
      return;
    size_t away = std::min(distance(letters_, name),
                           distance(letters_, end_of(name, separator_)));
    seen_.emplace(away, name);
  }

  [[nodiscard]] std::string told() const {
    std::string out;
    size_t count = 0;
    for (const auto& [away, name] : seen_) {
      if (count++ == kNear)
        break;
      out += (out.empty() ? "; near: " : ", ") + printable(name);
    }
    return out;
  }

private:
  std::string letters_;
  char separator_;
  std::set<std::pair<size_t, std::string>> seen_; // by distance
};

std::string no_device(std::span<const DeviceStates> captures,
                      const std::string& pattern) {
  NearNames near(pattern, '/');
  size_t count = 0;
  for (const DeviceStates& states : captures)
    for (const SavedDevice& device : states.devices) {
      ++count;
      near.add(device.name);
    }
  return fmt::format("--device \"{}\" matches none of {} devices{}",
                     printable(pattern), count, near.told());
}

// Nothing where a field of one of the devices is wanted.
std::optional<std::string> no_field(std::span<const SavedDevice* const> devices,
                                    const Wanted& wanted,
                                    const std::string& pattern) {
  NearNames near(pattern, '.');
  size_t count = 0;
  for (const SavedDevice* device : devices) {
    captures::DeviceValues values = values_of(*device);
    if (!select(values.values, wanted).empty())
      return {};
    for (const PathValue& leaf : leaves(values.values)) {
      ++count;
      near.add(leaf.path);
    }
  }
  return fmt::format("--field \"{}\" matches none of {} fields of {} devices{}",
                     printable(pattern), count, devices.size(), near.told());
}

} // namespace

DeviceSelection selection_of(const DevicePatterns& patterns) {
  return {glob(patterns.device), glob(patterns.field)};
}

std::optional<std::string>
what_matches_nothing(std::span<const DeviceStates> captures,
                     const DevicePatterns& patterns) {
  DeviceSelection selection = selection_of(patterns);
  std::vector<const SavedDevice*> chosen;
  for (const DeviceStates& states : captures)
    for (const SavedDevice& device : states.devices)
      if (is_selected(device, selection))
        chosen.push_back(&device);
  if (selection.device && chosen.empty())
    return no_device(captures, patterns.device);
  if (!selection.field)
    return {};
  return no_field(chosen, selection.field, patterns.field);
}

} // namespace migscope::tools
