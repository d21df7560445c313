// The sections that a stream has opened with START, by id.
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

#include <unordered_map>

namespace migscope::captures {

class SectionTable {
public:
  // A START for an id that has one replaces it: ids are the source's and mean
  // nothing beyond their latest START. Fails above limits::kMaxSections.
  [[nodiscard]] Status start(const SectionHeader& header);
  // Nothing where no START had this id.
  [[nodiscard]] const SectionHeader* find(uint32_t id) const;
  [[nodiscard]] std::vector<SectionHeader> all() const; // ascending ids

private:
  std::unordered_map<uint32_t, SectionHeader> started_;
};

// "PART"
[[nodiscard]] std::string_view name_of(SectionKind kind);

// "section 2 (\"ram\")"
[[nodiscard]] std::string describe(const SectionHeader& section);

// "PART of section 2 (\"ram\") from 0x1f40"
[[nodiscard]] std::string describe_open(const SectionHeader& section);

} // namespace migscope::captures
