#include "tools/report/build_report.h"

#include "tools/report/sections.h"
#include "tools/report/verdict.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

std::string subtitle(const Analysis& analysis) {
  const Vm& vm = analysis.vm;
  std::string out = analysis.outcome.mode;
  if (vm.machine)
    out += ", " + *vm.machine;
  if (vm.qemu)
    out += ", QEMU " + *vm.qemu;
  if (vm.destination_qemu)
    out += " to " + *vm.destination_qemu;
  std::string capabilities;
  for (const std::string& name : vm.capabilities)
    capabilities += (capabilities.empty() ? "" : " ") + name;
  if (!capabilities.empty())
    out += "; capabilities " + capabilities;
  return out;
}

bool has_content(const Section& section) {
  return !section.lead.empty() || !section.chart.empty() ||
         !section.tables.empty() || !section.findings.empty();
}

} // namespace

ReportData build_report(const Run& run) {
  const Analysis& analysis = run.analysis;
  ReportData out;
  out.title = run.name;
  out.subtitle = subtitle(analysis);
  out.verdicts = {verdict(analysis)};
  out.facts = facts(analysis);
  for (Section section :
       {waterfall_section(analysis), timeline_section(analysis),
        rounds_section(analysis), memory_section(analysis),
        pause_section(analysis), postcopy_section(analysis),
        service_section(analysis), findings_section(analysis),
        what_if_section(analysis), problems_section(analysis),
        evidence_section(analysis)})
    if (has_content(section))
      out.sections.push_back(std::move(section));
  ChartData& charts = out.charts.emplace_back();
  charts.name = run.name;
  if (Waterfall pieces = waterfall(analysis.downtime); !pieces.bars.empty())
    charts.waterfall = std::move(pieces);
  charts.timeline = timeline(analysis);
  charts.rounds = rounds_data(analysis);
  charts.heat = heat_data(analysis);
  charts.page_size = analysis.vm.page_size;
  return out;
}

} // namespace migscope::tools
