// From the ledger to what it tells.
#pragma once

#include "analyzer/memory/guest_layout.h"
#include "analyzer/pages/page_report.h"
#include "analyzer/pages/pause_runs.h"
#include "analyzer/pages/round_repeats.h"
#include "captures/session/channel_format.h"

namespace migscope::analyzer {

class StreamModel;

// What is known of the rounds that a stream's sections make up.
struct RoundsOfPages {
  // None where the rounds are not known.
  std::vector<size_t> first_sections;
  std::vector<std::optional<double>> durations_ms;
  // The last round is the pause.
  bool ends_in_pause = false;
  const PauseRuns* pause_runs = nullptr; // of the pause; there where it is

  // As PageState::last_section counts; beyond all where there is none.
  [[nodiscard]] uint32_t first_pause_section() const {
    return ends_in_pause ? static_cast<uint32_t>(first_sections.back() + 1)
                         : UINT32_MAX;
  }
};

// `layout`: where the blocks lie, may be empty. `chunks`: arrival times of the
// channel that has all pages, may be empty.
[[nodiscard]] PageReport report_pages(const StreamModel& model,
                                      const RoundsOfPages& rounds,
                                      const GuestLayout& layout,
                                      std::span<const captures::Chunk> chunks);

// What of it is left out as there was too much; none of any real migration.
[[nodiscard]] std::vector<const char*>
limits_of_pages(const StreamModel& model, const RoundsOfPages& rounds);

} // namespace migscope::analyzer
