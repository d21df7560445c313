#include "captures/stream/section_table.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {

Status SectionTable::start(const SectionHeader& header) {
  if (started_.size() >= limits::kMaxSections && !find(header.id))
    return malformed(header.offset, fmt::format("more than {} sections started",
                                                limits::kMaxSections));
  started_.insert_or_assign(header.id, header);
  return {};
}

const SectionHeader* SectionTable::find(uint32_t id) const {
  auto at = started_.find(id);
  return at == started_.end() ? nullptr : &at->second;
}

std::vector<SectionHeader> SectionTable::all() const {
  std::vector<SectionHeader> out;
  for (const auto& [id, header] : started_)
    out.push_back(header);
  std::ranges::sort(out, {}, &SectionHeader::id);
  return out;
}

std::string_view name_of(SectionKind kind) {
  constexpr std::string_view kNames[] = {"", "START", "PART", "END", "FULL"};
  return kNames[static_cast<size_t>(kind)];
}

std::string describe(const SectionHeader& section) {
  return fmt::format("section {} ({})", section.id, quoted(section.idstr));
}

std::string describe_open(const SectionHeader& section) {
  return fmt::format("{} of {} from {:#x}", name_of(section.kind),
                     describe(section), section.offset);
}

} // namespace migscope::captures
