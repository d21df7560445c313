// Categories by which the field grades what was measured. They are data: files
// with a source and a rule for values on a boundary (docs/categories.md).
#pragma once

#include "base/error.h"

#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

enum class BoundaryRule {
  inclusive, // a value on a boundary has the grade that ends there
  exclusive, // the next one
};

struct GradeStep {
  std::string label;
  std::optional<double> index; // points; none where the set has none
  std::optional<double> up_to; // none: of all that is more
  BoundaryRule boundary = BoundaryRule::inclusive; // of up_to itself
};

// How one measure is graded. Without steps nothing is: its numbers are not
// known.
struct MeasureGrades {
  std::string measure; // as in a campaign's results, "downtime_ms"
  std::string unit;
  std::vector<GradeStep> steps; // ascending
};

struct CategorySet {
  std::string name; // of its file
  std::string title;
  std::string source; // who says so
  std::string url;    // where; may be empty
  std::string status; // "verified", "as used" or "unverified"
  std::string note;
  std::vector<MeasureGrades> measures;
  // What the mean of the measures' indexes is called; may be empty. The higher
  // index is the better one: `up_to` is of the index.
  std::vector<GradeStep> overall;
};

struct Grade {
  std::string label;
  std::optional<double> index;
  std::string rule; // "up to and including 150 ms"
};

// `name` is the set's, and the file's for errors.
[[nodiscard]] Result<CategorySet> parse_categories(std::string_view text,
                                                   const std::string& name);

// Those that come with the program.
[[nodiscard]] Result<std::vector<CategorySet>> known_categories();

// Nothing where the set does not grade that measure.
[[nodiscard]] std::optional<Grade> grade(const MeasureGrades& grades,
                                         double value);
// The mean of the indexes, and what it is called; nothing where there are none.
[[nodiscard]] std::optional<Grade>
overall_grade(const CategorySet& set, const std::vector<Grade>& grades);

} // namespace migscope::analyzer
