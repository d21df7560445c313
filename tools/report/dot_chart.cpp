#include "tools/report/dot_chart.h"

#include "tools/report/escape.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

// Of the picture, in its own units.
constexpr double kLabels = 230, kPlot = 430, kRight = 30, kRow = 24, kAxis = 34;

double largest(const DotChart& chart) {
  double out = 0;
  for (const DotGroup& group : chart.groups) {
    for (double value : group.values)
      out = std::max(out, value);
    out = std::max(out, group.high.value_or(0));
  }
  return out > 0 ? out : 1;
}

// 1, 2 or 5 times a power of ten, so that at most six fit.
double step_for(double most) {
  double power = std::pow(10, std::floor(std::log10(most)));
  for (double factor : {0.2, 0.5, 1.0, 2.0})
    if (most / (factor * power) <= 6)
      return factor * power;
  return 5 * power;
}

class Picture {
public:
  explicit Picture(const DotChart& chart)
      : chart_(chart), step_(step_for(largest(chart))),
        end_(std::ceil(largest(chart) / step_) * step_),
        bottom_(kRow * static_cast<double>(chart.groups.size())) {}

  std::string draw() {
    out_ = fmt::format(
        "<figure class=\"dots\"><figcaption>{}</figcaption>"
        "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">",
        html(title()), kLabels + kPlot + kRight, bottom_ + kAxis,
        html(title()));
    draw_axis();
    for (size_t i = 0; i < chart_.groups.size(); ++i)
      draw_group(chart_.groups[i], kRow * (static_cast<double>(i) + 0.5));
    return out_ + "</svg></figure>";
  }

private:
  [[nodiscard]] std::string title() const {
    return chart_.unit.empty() ? chart_.title
                               : chart_.title + ", " + chart_.unit;
  }

  [[nodiscard]] double x(double value) const {
    return kLabels + kPlot * value / end_;
  }

  void draw_axis() {
    for (double value = 0; value <= end_ * 1.0001; value += step_)
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" "
          "y2=\"{1:.1f}\"/><text class=\"tick\" x=\"{0:.1f}\" y=\"{2:.1f}\" "
          "text-anchor=\"middle\">{3:.4g}</text>",
          x(value), bottom_, bottom_ + 18, value);
  }

  void draw_group(const DotGroup& group, double y) {
    out_ += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" "
                        "text-anchor=\"end\">{}</text>",
                        kLabels - 10, y + 4, html(group.label, 60));
    if (group.low && group.high)
      out_ += fmt::format("<rect class=\"interval\" x=\"{:.1f}\" y=\"{:.1f}\" "
                          "width=\"{:.1f}\" height=\"12\"/>",
                          x(*group.low), y - 6,
                          std::max(1.0, x(*group.high) - x(*group.low)));
    if (group.mean)
      out_ += fmt::format("<line class=\"mean\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" "
                          "y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
                          x(*group.mean), y - 9, y + 9);
    for (double value : group.values)
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>",
                          x(value), y);
  }

  const DotChart& chart_;
  double step_, end_, bottom_;
  std::string out_;
};

} // namespace

std::string dot_chart(const DotChart& chart) {
  return chart.groups.empty() ? "" : Picture(chart).draw();
}

} // namespace migscope::tools
