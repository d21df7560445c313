// Bodies of FULL sections: one device's state, whose layout only its source
// knows. Its end comes from the stream's description, or from its footer.
#pragma once

#include "captures/stream/footer_scan.h"
#include "captures/vmstate/description.h"

#include <map>

namespace migscope::captures {

// Whether sections carry footers: all of a stream's do, or none.
enum class Footers : uint8_t { unknown, present, absent };

class DeviceBody {
public:
  explicit DeviceBody(const std::optional<Description>& description);

  void begin(const SectionHeader& section);
  // The window starts at the body. Yields the body's bytes and done; the
  // footer, where one follows, is the caller's to take.
  [[nodiscard]] Result<Step> find_end(const Window& in, Footers footers,
                                      const SectionContext& context);
  [[nodiscard]] BodyExtent extent() const { return extent_; }
  // Set where the description is not what the stream shows; told once.
  [[nodiscard]] std::optional<std::string> take_problem();

private:
  [[nodiscard]] Judgement judge_described(const Window& in, Footers footers,
                                          const SectionContext& context) const;
  [[nodiscard]] Result<Step> scan(const Window& in, Footers footers,
                                  const SectionContext& context);

  std::map<std::pair<std::string, uint32_t>, uint64_t> sizes_;
  bool described_ = false; // there is a description
  FooterScan scan_;
  std::optional<std::string> problem_;
  uint64_t size_ = 0;
  uint32_t id_ = 0;
  BodyExtent extent_ = BodyExtent::footer_scan;
};

} // namespace migscope::captures
