// The sections of a report, each from what an analysis has for it. A section
// without tables, findings and a chart has nothing to show and is left out.
#pragma once

#include "analyzer/analysis.h"
#include "tools/report/report_data.h"

namespace migscope::tools {

// Pieces in order, with the gaps that nothing explains.
[[nodiscard]] Waterfall waterfall(const analyzer::Downtime& downtime);
[[nodiscard]] Section waterfall_section(const analyzer::Analysis& analysis);

// Absent where no monitor told anything. Curves have at most five points a
// bucket.
inline constexpr size_t kTimelineBuckets = 500; // two pixels of a wide chart
[[nodiscard]] std::optional<TimelineData>
timeline(const analyzer::Analysis& analysis, size_t buckets = kTimelineBuckets);
[[nodiscard]] Section timeline_section(const analyzer::Analysis& analysis);

[[nodiscard]] std::optional<RoundsData>
rounds_data(const analyzer::Analysis& analysis);
[[nodiscard]] Section rounds_section(const analyzer::Analysis& analysis);

// Of a hostile block list no more rows than a screen has.
[[nodiscard]] std::optional<analyzer::HeatMap>
heat_data(const analyzer::Analysis& analysis);
[[nodiscard]] Section memory_section(const analyzer::Analysis& analysis);

[[nodiscard]] Section pause_section(const analyzer::Analysis& analysis);
[[nodiscard]] Section postcopy_section(const analyzer::Analysis& analysis);
// Where a probe ran beside it.
[[nodiscard]] Section service_section(const analyzer::Analysis& analysis);
[[nodiscard]] Section findings_section(const analyzer::Analysis& analysis);
[[nodiscard]] Section what_if_section(const analyzer::Analysis& analysis);
[[nodiscard]] Section problems_section(const analyzer::Analysis& analysis,
                                       size_t most_rows = 100);
// How each number is known.
[[nodiscard]] Section evidence_section(const analyzer::Analysis& analysis);

} // namespace migscope::tools
