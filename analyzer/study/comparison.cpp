#include "analyzer/study/comparison.h"

#include "analyzer/study/statistics.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// The factor in which they differ, where it is only one.
std::optional<size_t> only_difference(const Coordinates& a,
                                      const Coordinates& b) {
  std::optional<size_t> out;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) {
      if (out)
        return std::nullopt;
      out = i;
    }
  return out;
}

Comparison compare(const std::string& measure, size_t factor,
                   const CellValues& a, const CellValues& b) {
  const auto& x = a.measures.at(measure);
  const auto& y = b.measures.at(measure);
  Comparison out;
  out.measure = measure;
  out.factor = kFactors[factor];
  out.at = a.at;
  out.at[factor].clear();
  out.a = a.at[factor];
  out.b = b.at[factor];
  out.n_a = x.size();
  out.n_b = y.size();
  out.median_a = median_of(x);
  out.median_b = median_of(y);
  out.test = rank_test(x, y);
  return out;
}

using Family = std::pair<std::pair<std::string, std::string>, Coordinates>;

void adjust(std::vector<Comparison>& all, const std::vector<size_t>& family) {
  std::vector<double> p;
  double least = 1; // that any of them can have
  for (size_t i : family) {
    p.push_back(all[i].test.p);
    least = std::min(least, smallest_p(all[i].n_a, all[i].n_b));
  }
  std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < family.size(); ++i) {
    Comparison& one = all[family[i]];
    one.adjusted_p = adjusted[i];
    one.larger_than_noise = adjusted[i] < kSignificant;
    one.hopeless = least * static_cast<double>(family.size()) >= kSignificant;
  }
}

} // namespace

std::vector<Comparison> compare_cells(const std::vector<CellValues>& cells) {
  std::vector<Comparison> out;
  std::map<Family, std::vector<size_t>> families;
  for (size_t i = 0; i < cells.size(); ++i)
    for (size_t j = i + 1; j < cells.size(); ++j) {
      auto factor = only_difference(cells[i].at, cells[j].at);
      if (!factor)
        continue;
      for (const auto& [measure, values] : cells[i].measures) {
        auto other = cells[j].measures.find(measure);
        if (values.empty() || other == cells[j].measures.end() ||
            other->second.empty())
          continue;
        Comparison one = compare(measure, *factor, cells[i], cells[j]);
        families[{{measure, one.factor}, one.at}].push_back(out.size());
        out.push_back(std::move(one));
      }
    }
  for (const auto& [family, members] : families)
    adjust(out, members);
  return out;
}

} // namespace migscope::analyzer
