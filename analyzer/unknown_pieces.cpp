#include "analyzer/unknown_pieces.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Without STOP there is no zero to count from.
std::string without_stop(const Timeline& timeline) {
  return timeline.source_version
             ? "any of its pieces, because the source said no STOP"
             : "any of its pieces, because without the source's monitor there "
               "is no STOP";
}

std::string without_resume(const Timeline& timeline) {
  return timeline.destination_version
             ? "the destination's part and the total, because the destination "
               "said no RESUME"
             : "the destination's part and the total, because without its "
               "monitor there is no RESUME";
}

// Only the stream takes the source's part of the pause to pieces.
std::string without_stream(const Analysis& analysis) {
  const auto& phases = analysis.downtime.phases;
  const char* why = analysis.input.bytes > 0 ? "its stream does not tell"
                                             : "its stream is not here";
  if (analysis.outcome.mode == "postcopy")
    return phases.empty() ? std::string("any of its pieces, because ") + why
                          : "";
  if (std::ranges::find(phases, "source", &Phase::name) == phases.end())
    return "";
  return std::string("what final sync, last RAM and device state took of "
                     "`source`, because ") +
         why;
}

} // namespace

std::optional<Finding> unknown_pieces_finding(const Analysis& analysis,
                                              const Timeline& timeline) {
  // A guest that was stopped early has a STOP that is not the pause's.
  bool early = !timeline.stop && !analysis.downtime.difference.empty();
  if (analysis.input.kind != "session" || early ||
      analysis.outcome.status != "completed" ||
      analysis.outcome.mode == "background-snapshot")
    return {};
  std::string text;
  if (!timeline.stop)
    text = without_stop(timeline);
  else
    text = without_stream(analysis);
  if (timeline.stop && !timeline.resume)
    text += (text.empty() ? "" : "; ") + without_resume(timeline);
  if (text.empty())
    return {};
  return Finding{"unknown-pieces", Severity::info,
                 "not known of the pause: " + text,
                 "what was recorded; events"};
}

} // namespace migscope::analyzer
