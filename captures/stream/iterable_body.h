// Bodies of START, PART and END sections other than `ram`, each with a grammar
// of its own. They are walked, not told of: their extent is what matters here.
#pragma once

#include "captures/stream/footer_scan.h"

namespace migscope::captures {

enum class Grammar : uint8_t {
  block,        // QEMU migration/block.c, <= 9.0
  dirty_bitmap, // QEMU migration/block-dirty-bitmap.c
  htab,         // QEMU hw/ppc/spapr.c
  s390_storage, // QEMU hw/s390x/s390-stattrib.c
  vfio,         // QEMU hw/vfio/migration.c
  unknown,      // end found by the footer
};

[[nodiscard]] Grammar grammar_of(std::string_view idstr);

class IterableBody {
public:
  void begin(const SectionHeader& section);
  // The first window starts at the body. Done at the body's end.
  [[nodiscard]] Result<Step> decode(const Window& in,
                                    const SectionContext& context);
  // Whether the end was, or is being, found by the footer.
  [[nodiscard]] bool scanned() const { return scanning_; }

private:
  [[nodiscard]] Result<Step> item(const Window& in);
  [[nodiscard]] Result<Step> htab(const Window& in);
  [[nodiscard]] Result<Step> vfio(const Window& in);

  FooterScan scan_;
  uint32_t id_ = 0;
  Grammar grammar_ = Grammar::unknown;
  SectionKind kind_ = SectionKind::start;
  bool first_ = true; // no item of this body has been taken
  bool scanning_ = false;
};

} // namespace migscope::captures
