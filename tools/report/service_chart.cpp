#include "tools/report/service_chart.h"

#include "tools/report/escape.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

// Of the picture, in its own units.
constexpr double kLeft = 60, kWidth = 800, kHeight = 200, kLost = 16,
                 kBottom = 30, kRight = 20;
constexpr const char* kTitle =
    "Delay there and back, ms (logarithmic), over s since the migration began; "
    "lost probes in red, the pause shaded";

class Picture {
public:
  explicit Picture(const ServiceChart& chart) : chart_(chart) {
    begin_ = chart.bars.front().t_ms;
    end_ = chart.bars.back().t_ms + chart.bars.back().duration_ms;
    for (const ServiceBar& bar : chart.bars) {
      if (bar.min_ms && *bar.min_ms > 0)
        low_ = std::min(low_, *bar.min_ms);
      if (bar.max_ms)
        high_ = std::max(high_, *bar.max_ms);
    }
    // Whole powers of ten.
    low_ = std::pow(10, std::floor(std::log10(std::min(low_, high_ / 10))));
    high_ = std::pow(10, std::ceil(std::log10(high_)));
  }

  std::string draw() {
    out_ = fmt::format(
        "<figure class=\"dots service\"><figcaption>{0}</figcaption>"
        "<svg viewBox=\"0 0 {1:.0f} {2:.0f}\" role=\"img\" "
        "aria-label=\"{0}\">",
        html(kTitle), kLeft + kWidth + kRight, kLost + kHeight + kBottom);
    draw_pause();
    draw_axes();
    for (const ServiceBar& bar : chart_.bars)
      draw_bar(bar);
    return out_ + "</svg></figure>";
  }

private:
  [[nodiscard]] double x(double t_ms) const {
    double share = (t_ms - begin_) / std::max(1e-9, end_ - begin_);
    return kLeft + kWidth * std::clamp(share, 0.0, 1.0);
  }

  [[nodiscard]] double y(double ms) const {
    double share =
        std::log10(std::max(ms, low_) / low_) / std::log10(high_ / low_);
    return kLost + kHeight * (1 - std::clamp(share, 0.0, 1.0));
  }

  void rectangle(const char* name, double left, double right, double top,
                 double bottom) {
    out_ += fmt::format("<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" "
                        "width=\"{:.2f}\" height=\"{:.2f}\"/>",
                        name, left, top, std::max(0.6, right - left),
                        std::max(0.6, bottom - top));
  }

  void draw_pause() {
    if (chart_.stop_ms && chart_.resume_ms)
      rectangle("pause", x(*chart_.stop_ms), x(*chart_.resume_ms), 0,
                kLost + kHeight);
  }

  void label(double at_x, double at_y, const char* anchor, double value) {
    out_ += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" "
                        "text-anchor=\"{}\">{:g}</text>",
                        at_x, at_y, anchor, value);
  }

  void draw_axes() {
    for (double ms = low_; ms <= high_ * 1.001; ms *= 10) {
      out_ += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" "
                          "y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>",
                          kLeft, kLeft + kWidth, y(ms));
      label(kLeft - 6, y(ms) + 4, "end", ms);
    }
    for (int i = 0; i <= 8; ++i) {
      double t = begin_ + (end_ - begin_) * i / 8;
      label(x(t), kLost + kHeight + 18, "middle",
            std::round(t / 10) / 100); // s
    }
  }

  void draw_bar(const ServiceBar& bar) {
    double left = x(bar.t_ms), right = x(bar.t_ms + bar.duration_ms);
    if (bar.min_ms && bar.max_ms)
      rectangle("delay", left, right, y(*bar.max_ms), y(*bar.min_ms));
    if (bar.lost_share > 0)
      rectangle("lost", left, right, kLost * (1 - bar.lost_share), kLost);
  }

  const ServiceChart& chart_;
  double begin_ = 0, end_ = 0, low_ = 1, high_ = 10;
  std::string out_;
};

} // namespace

std::string service_chart(const ServiceChart& chart) {
  return chart.bars.empty() ? "" : Picture(chart).draw();
}

} // namespace migscope::tools
