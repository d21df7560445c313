#include "tools/report/html.h"

#include "tools/report/assets.h"
#include "tools/report/chart_json.h"
#include "tools/report/dot_chart.h"
#include "tools/report/escape.h"
#include "tools/report/service_chart.h"

#include <fmt/format.h>
#include <map>

namespace migscope::tools {
namespace {

// Of a cell; the sentences of findings stand elsewhere. A wide one may have a
// few of them.
constexpr size_t kMostCellBytes = 300, kMostWideBytes = 1000;
constexpr size_t kMostFindings = 200;
constexpr size_t kMostNameBytes = 200; // of a run

const char* to_class(Tone tone) {
  switch (tone) {
  case Tone::good:
    return "good";
  case Tone::warning:
    return "warning";
  case Tone::bad:
    break;
  }
  return "bad";
}

// Of the length `share`, as a picture: a policy that allows no style attribute
// allows its attributes.
std::string bar(double share) {
  return fmt::format("<svg class=\"bar\" viewBox=\"0 0 100 1\" "
                     "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                     "<rect width=\"{:.2f}\" height=\"1\"/></svg>",
                     100 * share);
}

std::string cell(const Cell& value, const Column& column, bool head) {
  std::string out = head ? "<th scope=\"row\"" : "<td";
  if (column.number || column.wide)
    out += column.number ? " class=\"number\"" : " class=\"wide\"";
  out += ">" + html(value.text, column.wide ? kMostWideBytes : kMostCellBytes);
  if (!value.change.empty())
    out += fmt::format(" <span class=\"change {}\">{}</span>",
                       value.tone ? to_class(*value.tone) : "",
                       html(value.change));
  if (value.share)
    out += bar(*value.share);
  return out + (head ? "</th>" : "</td>");
}

std::string table(const DataTable& value) {
  std::string caption = html(value.caption, kMostCellBytes);
  // Wide ones scroll by themselves, also by keys.
  std::string out =
      fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
                  "aria-label=\"{}\"><table>",
                  caption.empty() ? "table" : caption);
  if (!caption.empty())
    out += "<caption>" + caption + "</caption>";
  out += "<thead><tr>";
  for (const Column& column : value.columns)
    out += fmt::format("<th scope=\"col\"{}>{}</th>",
                       column.number ? " class=\"number\"" : "",
                       html(column.title, kMostCellBytes));
  out += "</tr></thead><tbody>";
  for (const auto& row : value.rows) {
    out += "<tr>";
    for (size_t i = 0; i < row.size(); ++i)
      out += cell(row[i], value.columns[i], i == 0);
    out += "</tr>";
  }
  out += "</tbody></table></div>";
  if (!value.note.empty())
    out += "<p class=\"note\">" + html(value.note) + "</p>";
  return out;
}

std::string finding(const FindingText& value) {
  std::string out =
      fmt::format("<li class=\"{0}\"><span class=\"severity\">{0}</span> ",
                  html(value.severity));
  if (!value.run.empty())
    out += "<b>" + html(value.run, kMostNameBytes) + ":</b> ";
  out += html(value.text);
  if (!value.evidence.empty())
    out += "<small>by " + html(value.evidence) + "</small>";
  return out + "</li>";
}

std::string findings(const std::vector<FindingText>& values) {
  if (values.empty())
    return "";
  std::string out = "<ul class=\"findings\">";
  for (size_t i = 0; i < values.size() && i < kMostFindings; ++i)
    out += finding(values[i]);
  return out + "</ul>";
}

// A long one is folded.
std::string folded(const DataTable& value) {
  constexpr size_t kMostRows = 16;
  if (value.rows.size() <= kMostRows || !value.folds)
    return table(value);
  return fmt::format("<details><summary>{} ({} rows)</summary>{}</details>",
                     html(value.caption, kMostCellBytes), value.rows.size(),
                     table(value));
}

std::string section(const Section& value) {
  std::string out =
      fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">"
                  "<h2 id=\"{0}-title\">{1}</h2>",
                  html(value.id), html(value.title));
  if (!value.lead.empty())
    out += "<p class=\"lead\">" + html(value.lead) + "</p>";
  if (!value.chart.empty())
    out += fmt::format("<div class=\"chart\" data-chart=\"{}\"></div>",
                       html(value.chart));
  if (value.service)
    out += service_chart(*value.service);
  for (const DotChart& chart : value.dots)
    out += dot_chart(chart);
  out += findings(value.findings);
  for (const DataTable& data : value.tables)
    out += folded(data);
  return out + "</section>";
}

std::string verdicts(const ReportData& report) {
  std::string out;
  for (size_t i = 0; i < report.verdicts.size(); ++i) {
    const VerdictText& verdict = report.verdicts[i];
    out += fmt::format("<div class=\"verdict {}\">", to_class(verdict.tone));
    if (report.verdicts.size() > 1)
      out += "<h3>" + html(report.charts[i].name, kMostNameBytes) + "</h3>";
    out += fmt::format("<p class=\"first\">{}</p><p>{}</p></div>",
                       html(verdict.first), html(verdict.second));
  }
  return out;
}

std::string facts(const std::vector<Fact>& values) {
  if (values.empty())
    return "";
  std::string out = "<dl class=\"facts\">";
  for (const Fact& fact : values)
    out +=
        fmt::format("<div><dt>{}</dt><dd><b>{}</b><small>{}</small></dd></div>",
                    html(fact.name), html(fact.value), html(fact.detail));
  return out + "</dl>";
}

std::string links(const std::vector<Section>& sections) {
  std::string out;
  for (const Section& value : sections)
    out += fmt::format("<li><a href=\"#{}\">{}</a></li>", html(value.id),
                       html(value.id));
  return out;
}

std::string body(const std::vector<Section>& sections) {
  std::string out;
  for (const Section& value : sections)
    out += section(value);
  return out;
}

std::string policy() {
  return fmt::format("default-src 'none'; script-src {} {} {}; style-src {}; "
                     "base-uri 'none'; form-action 'none'",
                     assets::theme.csp_hash, assets::chart.csp_hash,
                     assets::script.csp_hash, assets::style.csp_hash);
}

// Puts `values` into the places {{NAME}} of `page`; what they hold is not
// looked into.
std::string filled(std::string_view page,
                   const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (true) {
    size_t open = page.find("{{");
    size_t close = page.find("}}", open);
    out += page.substr(0, open);
    if (open == page.npos || close == page.npos)
      return out;
    out += values.at(page.substr(open + 2, close - open - 2));
    page.remove_prefix(close + 2);
  }
}

} // namespace

std::string render_html(const ReportData& report) {
  return filled(assets::page.text,
                {{"policy", policy()},
                 {"title", html(report.title)},
                 {"subtitle", html(report.subtitle)},
                 {"style", std::string(assets::style.text)},
                 {"theme", std::string(assets::theme.text)},
                 {"links", links(report.sections)},
                 {"verdicts", verdicts(report)},
                 {"facts", facts(report.facts)},
                 {"sections", body(report.sections)},
                 {"version", MIGSCOPE_VERSION},
                 {"data", for_script(chart_json(report.charts).dump())},
                 {"chart", std::string(assets::chart.text)},
                 {"script", std::string(assets::script.text)}});
}

} // namespace migscope::tools
