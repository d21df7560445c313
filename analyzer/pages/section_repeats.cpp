#include "analyzer/pages/section_repeats.h"

namespace migscope::analyzer {

void SectionRepeats::close(uint32_t next) {
  if (pairs_.size() + open_.size() > kMostPairs)
    complete_ = false;
  else if (!open_.empty()) {
    rows_.push_back({section_, pairs_.size()});
    for (const auto& [earlier, count] : open_)
      pairs_.push_back({earlier, count});
  }
  open_.clear();
  count_ = nullptr;
  section_ = next;
}

} // namespace migscope::analyzer
