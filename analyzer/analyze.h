// From a recording to its analysis: reads the monitors' dialogue and the
// stream once each, then joins them.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/pages/owners.h"
#include "analyzer/pages/page_runs.h"
#include "analyzer/read_stream.h"
#include "captures/sources.h"

namespace migscope::analyzer {

struct AnalyzeOptions {
  ReadStreamOptions reading = {};
  PageRunSink page_runs = {}; // may be empty
  std::optional<Owners> owners = {};
};

// Damage in the input is told in the result (Input::problems, complete); an
// error means that there was nothing to analyze.
[[nodiscard]] Result<Analysis> analyze(const captures::Recording& recording,
                                       const AnalyzeOptions& options = {});

} // namespace migscope::analyzer
