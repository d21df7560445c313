// Are two samples larger apart than chance makes them?
#pragma once

#include <span>
#include <vector>

namespace migscope::analyzer {

// Mann and Whitney's U test (Wilcoxon's rank sum), two-sided: no assumption of
// how the values are spread.
struct RankTest {
  double u = 0; // pairs in which a's value is the larger one; ties are halves
  double p = 1; // of a difference as large in either direction, by chance
  bool exact = true; // p is counted, not approximated
  double shift = 0;  // Hodges and Lehmann's: the median of a - b
  double delta = 0;  // Cliff's: P(a > b) - P(a < b), -1 to 1
};

// Neither is empty; values are finite. p is counted over all orders, of the
// values as they are, ties included, where both together have at most 60;
// above that it is of the normal approximation with corrections for ties and
// continuity.
[[nodiscard]] RankTest rank_test(std::span<const double> a,
                                 std::span<const double> b);

// The smallest p that samples of these sizes can have, without ties.
[[nodiscard]] double smallest_p(size_t a, size_t b);

// Holm's step-down adjustment of the p of one family, in their order: with
// those below 0.05 taken for real, the chance of a single wrong one among all
// is below 5 %.
[[nodiscard]] std::vector<double> holm(std::span<const double> p);

} // namespace migscope::analyzer
