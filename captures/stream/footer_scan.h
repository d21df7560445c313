// Finding the end of a section whose body cannot be parsed, by its footer.
//
// A body may hold any bytes, footer look-alikes included, so a footer counts
// only where a plausible next item follows it. Not for `ram`: page contents
// are the guest's to choose.
#pragma once

#include "captures/stream/section_table.h"
#include "captures/stream/window.h"

namespace migscope::captures {

// 0x7e, then the section's id.
inline constexpr size_t kFooterBytes = 5;

// QEMU counts a section's versions from 0.
inline constexpr uint32_t kPlausibleVersions = 1u << 16;

class RamBody;

struct SectionContext {
  const SectionTable& table;
  const RamBody& ram;
  bool colo = false; // ENABLE_COLO seen: other messages may follow EOF
};

// Whether bytes[at...] can be what follows a section.
[[nodiscard]] Judgement judge_next(const Window& in, size_t at,
                                   const SectionContext& context);

// Whether a footer of section `id` stands at bytes[at...].
[[nodiscard]] Judgement judge_footer(const Window& in, size_t at, uint32_t id);

class FooterScan {
public:
  // `ending`: bytes that a body must end with; they outlive the scan.
  void begin(uint32_t id, std::span<const std::byte> ending = {});

  // The window starts where begin() stood. Yields used = the body's bytes and
  // done, or what is needed. Fails where the body grows above
  // limits::kMaxDeviceBytes, or where the footer is lost: another section's
  // comes first.
  [[nodiscard]] Result<Step> find(const Window& in,
                                  const SectionContext& context);

private:
  [[nodiscard]] Judgement judge(const Window& in, size_t at,
                                const SectionContext& context) const;
  [[nodiscard]] Result<Step> give_up(const Window& in) const;

  uint32_t id_ = 0;
  std::span<const std::byte> ending_;
  size_t searched_ = 0;         // no footer before here
  std::optional<size_t> stray_; // another section's footer
};

} // namespace migscope::captures
