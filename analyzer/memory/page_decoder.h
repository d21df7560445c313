// From a page as it stands on the wire to what the page holds.
#pragma once

#include "analyzer/memory/page_map.h"
#include "captures/codec/inflater.h"
#include "captures/stream/events.h"

namespace migscope::analyzer {

// What a page holds after a send of it.
struct DecodedPage {
  Held held = Held::unknown;          // never `never`
  std::span<const std::byte> content; // a whole page where `data`
  // Why it is unknown where the encoding itself is broken.
  std::optional<Error> broken = {};
};

class PageDecoder {
public:
  explicit PageDecoder(uint32_t page_size);
  PageDecoder(const PageDecoder&) = delete;
  PageDecoder& operator=(const PageDecoder&) = delete;

  // `before` is what the page held; it is looked at for kind xbzrle alone,
  // which is the difference to it. The result lives until the next call, or
  // as long as the item. A page of zeros is told as zero, whatever its kind.
  [[nodiscard]] DecodedPage decode(const captures::PageItem& item,
                                   const DecodedPage& before);

private:
  [[nodiscard]] Status apply_difference(const captures::PageItem& item,
                                        const DecodedPage& before);
  [[nodiscard]] Status inflate(std::span<const std::byte> packed);

  std::vector<std::byte> page_and_more_;
  std::span<std::byte> page_;                    // of it
  std::unique_ptr<captures::Inflater> inflater_; // made when first needed
};

} // namespace migscope::analyzer
