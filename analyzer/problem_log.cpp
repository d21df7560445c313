#include "analyzer/problem_log.h"

#include "captures/stream/limits.h"

#include <fmt/format.h>

namespace migscope::analyzer {

void ProblemLog::add(Severity severity, uint64_t offset, std::string message) {
  damaged_ |= severity == Severity::error;
  if (problems_.size() >= captures::limits::kMaxProblems)
    ++not_kept_;
  else
    problems_.push_back({channel_, {severity, "", offset, std::move(message)}});
}

void ProblemLog::on_problem(uint64_t offset, std::string_view message) {
  add(Severity::warning, offset, std::string(message));
}

void ProblemLog::on_damage(const captures::Damage& damage) {
  add(Severity::error, damage.error.offset.value_or(0),
      fmt::format("{}; reading goes on at {:#x}", damage.error.message,
                  damage.resumed));
}

} // namespace migscope::analyzer
