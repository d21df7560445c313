#include "tools/live/live_chart.h"

#include <algorithm>
#include <cmath>

namespace migscope::tools {
namespace {

constexpr char32_t kEighths[] = U" ▁▂▃▄▅▆▇█";
constexpr char32_t kHalves[] = U" .:";

// How much of the row, of `steps`, where `height` is in rows from its bottom.
size_t filled(double height, size_t steps) {
  double part = std::clamp(height, 0.0, 1.0) * static_cast<double>(steps);
  return static_cast<size_t>(std::lround(part));
}

} // namespace

std::vector<std::optional<double>>
columns_of(const std::vector<LivePoint>& points,
           std::optional<double> LivePoint::*value, double end_ms,
           size_t columns) {
  std::vector<std::optional<double>> out(columns);
  if (columns == 0 || end_ms <= 0)
    return out;
  size_t last = 0;
  for (const LivePoint& point : points) {
    double part = std::clamp(point.t_ms / end_ms, 0.0, 1.0);
    auto at = std::min(static_cast<size_t>(part * static_cast<double>(columns)),
                       columns - 1);
    for (size_t i = last + 1; i < at; ++i)
      out[i] = out[last];
    const std::optional<double>& found = point.*value;
    if (found)
      out[at] = std::max(*found, out[at].value_or(0));
    last = std::max(last, at);
  }
  for (size_t i = last + 1; i < columns; ++i)
    out[i] = out[last];
  return out;
}

void draw_columns(LiveCanvas& canvas, ChartPlace place,
                  const std::vector<std::optional<double>>& values, double most,
                  LiveStyle style, bool unicode) {
  const char32_t* glyphs = unicode ? kEighths : kHalves;
  const size_t steps = unicode ? 8 : 2;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i] || !std::isfinite(*values[i]) || *values[i] <= 0 ||
        most <= 0)
      continue;
    double height = *values[i] / most * static_cast<double>(place.rows);
    for (size_t row = 0; row < place.rows; ++row) {
      size_t part = filled(height - static_cast<double>(row), steps);
      // Something is never nothing.
      if (row == 0)
        part = std::max<size_t>(part, 1);
      if (part > 0)
        canvas.put(place.row + place.rows - 1 - row, place.column + i,
                   {glyphs[part], style});
    }
  }
}

} // namespace migscope::tools
