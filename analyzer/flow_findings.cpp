#include "analyzer/flow_findings.h"

#include "analyzer/flow.h"
#include "base/counted.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace migscope::analyzer {
namespace {

constexpr const char* kEvidence =
    "the tee's sockets; CPU times of the migration threads; "
    "query-migrate-parameters";

struct Cause {
  LimitedBy limit = LimitedBy::unknown;
  double ms = 0;
  size_t rounds = 0;
};

// The longest first; what is unknown last.
std::vector<Cause> causes_of(const std::vector<Round>& rounds) {
  std::map<LimitedBy, Cause> by_limit;
  for (const Round& round : rounds) {
    if (!round.flow)
      continue;
    Cause& cause = by_limit[round.flow->limited_by];
    cause.limit = round.flow->limited_by;
    cause.ms += round.flow->duration_ms;
    ++cause.rounds;
  }
  std::vector<Cause> out;
  for (const auto& [limit, cause] : by_limit)
    out.push_back(cause);
  std::stable_sort(out.begin(), out.end(), [](const Cause& a, const Cause& b) {
    bool a_known = a.limit != LimitedBy::unknown;
    bool b_known = b.limit != LimitedBy::unknown;
    return std::pair(a_known, a.ms) > std::pair(b_known, b.ms);
  });
  return out;
}

std::string in_rounds(const Cause& cause) {
  return fmt::format("{} for {:.1f} ms in {}", to_string(cause.limit), cause.ms,
                     counted(cause.rounds, "round"));
}

} // namespace

std::optional<Finding> flow_finding(const Analysis& analysis) {
  std::vector<Cause> causes = causes_of(analysis.rounds);
  std::string text;
  for (const Cause& cause : causes)
    text += (text.empty() ? "" : ", ") + in_rounds(cause);
  if (causes.empty() || causes.front().limit == LimitedBy::unknown) {
    if (!analysis.flow || analysis.flow->limited_by == LimitedBy::unknown)
      return {};
    text = to_string(analysis.flow->limited_by);
  }
  text = "the transfer was limited by " + text;
  if (analysis.flow)
    text += "; in all " + describe(*analysis.flow);
  if (!analysis.vm.qemu)
    text += "; whether max-bandwidth did is not known without a monitor";
  bool set_by_user =
      !causes.empty() && causes.front().limit == LimitedBy::max_bandwidth;
  return Finding{"limited-by", set_by_user ? Severity::warning : Severity::info,
                 text, kEvidence};
}

std::optional<Finding> pause_flow_finding(const Analysis& analysis) {
  if (!analysis.pause_flow ||
      analysis.pause_flow->limited_by == LimitedBy::unknown)
    return {};
  return Finding{"pause-limited-by", Severity::info,
                 fmt::format("in the pause the transfer was limited by {}: {}",
                             to_string(analysis.pause_flow->limited_by),
                             describe(*analysis.pause_flow)),
                 kEvidence};
}

} // namespace migscope::analyzer
