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

// All but what the two are.
Comparison compare_values(const std::string& measure,
                          const std::vector<double>& x,
                          const std::vector<double>& y) {
  Comparison out;
  out.measure = measure;
  out.n_a = x.size();
  out.n_b = y.size();
  out.median_a = median_of(x);
  out.median_b = median_of(y);
  out.test = rank_test(x, y);
  return out;
}

// Of the measures for which both have values.
std::vector<Comparison> compare_measures(const CellValues& a,
                                         const CellValues& b) {
  std::vector<Comparison> out;
  for (const auto& [measure, values] : a.measures) {
    auto other = b.measures.find(measure);
    if (!values.empty() && other != b.measures.end() && !other->second.empty())
      out.push_back(compare_values(measure, values, other->second));
  }
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
      for (Comparison& one : compare_measures(cells[i], cells[j])) {
        one.factor = kFactors[*factor];
        one.at = cells[i].at;
        one.at[*factor].clear();
        one.a = cells[i].at[*factor];
        one.b = cells[j].at[*factor];
        families[{{one.measure, one.factor}, one.at}].push_back(out.size());
        out.push_back(std::move(one));
      }
    }
  for (const auto& [family, members] : families)
    adjust(out, members);
  return out;
}

std::vector<Comparison> compare_campaigns(const std::vector<CellValues>& a,
                                          const std::string& name_a,
                                          const std::vector<CellValues>& b,
                                          const std::string& name_b) {
  std::vector<Comparison> out;
  std::map<std::string, std::vector<size_t>> families; // by measure
  for (const CellValues& cell : a) {
    auto other = std::ranges::find(b, cell.at, &CellValues::at);
    if (other == b.end())
      continue;
    for (Comparison& one : compare_measures(cell, *other)) {
      one.factor = kCampaignFactor;
      one.at = cell.at;
      one.a = name_a;
      one.b = name_b;
      families[one.measure].push_back(out.size());
      out.push_back(std::move(one));
    }
  }
  for (const auto& [measure, members] : families)
    adjust(out, members);
  return out;
}

} // namespace migscope::analyzer
