#include "analyzer/study/rank_test.h"

#include "analyzer/study/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace migscope::analyzer {
namespace {

constexpr size_t kMostCounted = 60;

// Twice the midranks, so that they are whole, of the joined values in order.
struct Ranks {
  std::vector<size_t> doubled; // of a's values, then of b's
  double ties = 0;             // sum of t^3 - t over groups of equal values
};

Ranks rank_all(std::span<const double> a, std::span<const double> b) {
  std::vector<double> values(a.begin(), a.end());
  values.insert(values.end(), b.begin(), b.end());
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  Ranks out{std::vector<size_t>(values.size()), 0};
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    // Ranks begin + 1 to end; twice their mean.
    for (size_t i = begin; i < end; ++i)
      out.doubled[order[i]] = begin + 1 + end;
    auto t = static_cast<double>(end - begin);
    out.ties += t * t * t - t;
    begin = end;
  }
  return out;
}

size_t sum_of(std::span<const size_t> values) {
  return std::accumulate(values.begin(), values.end(), size_t{0});
}

// Of all ways to choose a's ranks from all of them, the part whose sum is as
// far from the middle as a's, or farther. ways[k][s]: subsets of k with the
// sum s.
double counted_p(const Ranks& ranks, size_t n) {
  size_t total = sum_of(ranks.doubled);
  std::vector<std::vector<double>> ways(n + 1,
                                        std::vector<double>(total + 1, 0));
  ways[0][0] = 1;
  for (size_t rank : ranks.doubled)
    for (size_t k = n; k > 0; --k)
      for (size_t s = total; s >= rank; --s)
        ways[k][s] += ways[k - 1][s - rank];
  size_t all = ranks.doubled.size();
  // Distances from the mean of the sum, times `all` to stay whole.
  auto distance = [&](size_t sum) {
    return std::llabs(static_cast<long long>(sum * all) -
                      static_cast<long long>(total * n));
  };
  auto seen = distance(sum_of(std::span(ranks.doubled).first(n)));
  double as_far = 0, every = 0;
  for (size_t s = 0; s <= total; ++s) {
    every += ways[n][s];
    as_far += distance(s) >= seen ? ways[n][s] : 0;
  }
  return as_far / every;
}

double approximate_p(double u, double na, double nb, double ties) {
  double n = na + nb, mean = na * nb / 2;
  double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
  if (variance <= 0)
    return 1;
  double z = std::max(0.0, std::fabs(u - mean) - 0.5) / std::sqrt(variance);
  return std::min(1.0, std::erfc(z / std::sqrt(2.0)));
}

} // namespace

RankTest rank_test(std::span<const double> a, std::span<const double> b) {
  RankTest out;
  std::vector<double> differences;
  double larger = 0, smaller = 0;
  for (double x : a)
    for (double y : b) {
      differences.push_back(x - y);
      larger += x > y;
      smaller += x < y;
    }
  auto pairs = static_cast<double>(differences.size());
  out.u = larger + (pairs - larger - smaller) / 2;
  out.delta = (larger - smaller) / pairs;
  out.shift = median_of(std::move(differences));
  Ranks ranks = rank_all(a, b);
  out.exact = ranks.doubled.size() <= kMostCounted;
  out.p = out.exact ? counted_p(ranks, a.size())
                    : approximate_p(out.u, static_cast<double>(a.size()),
                                    static_cast<double>(b.size()), ranks.ties);
  return out;
}

double smallest_p(size_t a, size_t b) {
  double ways = 1; // a + b over a
  for (size_t i = 1; i <= a; ++i)
    ways *= static_cast<double>(b + i) / static_cast<double>(i);
  return std::min(1.0, 2 / ways);
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return p[i]; });
  std::vector<double> out(p.size());
  double most = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, static_cast<double>(p.size() - i) * p[order[i]]);
    out[order[i]] = std::min(1.0, most);
  }
  return out;
}

} // namespace migscope::analyzer
