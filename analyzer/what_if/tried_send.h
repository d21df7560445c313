// One send of a page, with what it says of the page.
#pragma once

#include "analyzer/memory/page_decoder.h"

namespace migscope::analyzer {

struct TriedSend {
  const captures::PageItem& item;
  const DecodedPage& page;
  bool resent = false;
  bool same_content = false;
};

} // namespace migscope::analyzer
