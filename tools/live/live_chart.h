// Columns of a quantity in time, a few rows high.
#pragma once

#include "tools/live/live_canvas.h"
#include "tools/live/live_model.h"

#include <optional>

namespace migscope::tools {

// Of `points` over `columns` columns of the same time each, from 0 to `end_ms`:
// the largest value of each; what no point tells is as before it.
[[nodiscard]] std::vector<std::optional<double>>
columns_of(const std::vector<LivePoint>& points,
           std::optional<double> LivePoint::*value, double end_ms,
           size_t columns);

struct ChartPlace {
  size_t row = 0, column = 0; // of the upper left corner
  size_t rows = 1;
};

// `most`: the value that fills all rows. With `unicode` in eighths of a row,
// else in halves.
void draw_columns(LiveCanvas& canvas, ChartPlace place,
                  const std::vector<std::optional<double>>& values, double most,
                  LiveStyle style, bool unicode);

} // namespace migscope::tools
