#include "tools/campaign/against.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace migscope::tools {
namespace {

using analyzer::CellValues;

// A setting and its value, as text.
using Settings = std::vector<std::pair<std::string, std::string>>;

std::string versions(const CampaignResults& results) {
  std::set<std::string> out;
  for (const RunResult& run : results.runs)
    out.insert(run.qemu.value_or("?"));
  return fmt::format("{}", fmt::join(out, ", "));
}

Settings lab_settings(const LabRunner& lab) {
  return {{"lab.qemu", lab.qemu},
          {"lab.qemu_args", fmt::format("{}", fmt::join(lab.qemu_args, " "))},
          {"lab.guest", lab.guest},
          {"lab.probe", lab.probe},
          {"lab.link", fmt::format("{}", lab.link)},
          {"lab.capture", fmt::format("{}", lab.capture)},
          {"lab.trace", fmt::format("{}", lab.trace)}};
}

Settings hook_settings(const HookRunner& hooks) {
  return {{"hooks.source", hooks.source},
          {"hooks.destination", hooks.destination},
          {"hooks.prepare", hooks.prepare},
          {"hooks.migrate", hooks.migrate},
          {"hooks.restore", hooks.restore},
          {"hooks.probe", hooks.probe}};
}

Settings settings_of(const CampaignResults& results) {
  const Plan& plan = results.plan;
  Settings out =
      plan.hooks ? hook_settings(*plan.hooks) : lab_settings(plan.lab);
  out.emplace_back("limit_s", fmt::format("{}", plan.limit_s));
  out.emplace_back("probe_interval_ms",
                   fmt::format("{}", plan.probe_interval_ms));
  out.emplace_back("QEMU", versions(results));
  return out;
}

// Names that both have and do not mean the same by.
template <typename Part, typename Same>
std::set<std::string> redefined(const std::vector<Part>& a,
                                const std::vector<Part>& b, Same same) {
  std::set<std::string> out;
  for (const Part& part : a) {
    auto other = std::ranges::find(b, part.name, &Part::name);
    if (other != b.end() && !same(part, *other))
      out.insert(part.name);
  }
  return out;
}

bool same_words(const Workload& a, const Workload& b) {
  return a.words == b.words;
}

bool same_settings(const Mode& a, const Mode& b) {
  return a.capabilities == b.capabilities && a.parameters == b.parameters &&
         a.postcopy_after == b.postcopy_after;
}

class Against {
public:
  Against(CampaignResults& results, const CampaignResults& other)
      : results_(results), other_(other),
        workloads_(redefined(results.plan.workloads, other.plan.workloads,
                             same_words)),
        modes_(redefined(results.plan.modes, other.plan.modes, same_settings)) {
    std::filesystem::path a = results.folder, b = other.folder;
    bool same_name = leaf(a) == leaf(b);
    name_ = same_name ? a.string() : leaf(a);
    out_.name = same_name ? b.string() : leaf(b);
    out_.folder = other.folder;
  }

  Status compare() {
    auto theirs = analyzer::compare_campaigns(values_of(results_), name_,
                                              values_of(other_), out_.name);
    std::set<analyzer::Coordinates> cells;
    for (const analyzer::Comparison& one : theirs)
      cells.insert(one.at);
    out_.cells = cells.size();
    tell_redefined("workload", workloads_);
    tell_redefined("mode", modes_);
    if (theirs.empty())
      return fail(ErrorKind::usage,
                  fmt::format("{}: no cell of it was measured in {}, too{}{}",
                              other_.folder, results_.folder,
                              out_.differences.empty() ? "" : "; ",
                              fmt::join(out_.differences, "; ")));
    tell_settings();
    std::ranges::move(theirs, std::back_inserter(results_.comparisons));
    results_.against = std::move(out_);
    return {};
  }

private:
  static std::string leaf(const std::filesystem::path& folder) {
    return folder.has_filename() ? folder.filename().string()
                                 : folder.parent_path().filename().string();
  }

  [[nodiscard]] std::vector<CellValues>
  values_of(const CampaignResults& results) const {
    auto out = cell_values(results);
    std::erase_if(out, [&](const CellValues& cell) {
      return workloads_.contains(cell.at[0]) || modes_.contains(cell.at[2]);
    });
    return out;
  }

  void tell_redefined(const char* what, const std::set<std::string>& names) {
    for (const std::string& name : names)
      out_.differences.push_back(fmt::format(
          "{} {} is not the same in both: not compared", what, name));
  }

  void tell_settings() {
    Settings ours = settings_of(results_), theirs = settings_of(other_);
    std::map<std::string, std::string> by_key(theirs.begin(), theirs.end());
    if (results_.plan.hooks.has_value() != other_.plan.hooks.has_value())
      out_.differences.emplace_back("one has hooks, the other the lab");
    for (const auto& [key, value] : ours)
      if (auto found = by_key.find(key);
          found != by_key.end() && found->second != value)
        out_.differences.push_back(fmt::format("{}: {} \"{}\", {} \"{}\"", key,
                                               name_, value, out_.name,
                                               found->second));
  }

  CampaignResults& results_;
  const CampaignResults& other_;
  std::set<std::string> workloads_, modes_; // not compared
  std::string name_;
  OtherCampaign out_;
};

} // namespace

Status compare_with(CampaignResults& results, const CampaignResults& other) {
  return Against(results, other).compare();
}

} // namespace migscope::tools
