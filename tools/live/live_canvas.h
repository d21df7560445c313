// A screen as plain data: cells with a glyph and what it means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::tools {

enum class LiveStyle : uint8_t {
  plain,
  dim,
  strong,
  good,
  bad,
  sent,
  dirtied,
  left,
};

struct LiveCell {
  char32_t glyph = U' ';
  LiveStyle style = LiveStyle::plain;

  bool operator==(const LiveCell&) const = default;
};

class LiveCanvas {
public:
  LiveCanvas(size_t columns, size_t rows)
      : columns_(columns), rows_(rows), cells_(columns * rows) {}

  [[nodiscard]] size_t columns() const { return columns_; }
  [[nodiscard]] size_t rows() const { return rows_; }
  [[nodiscard]] const LiveCell& at(size_t row, size_t column) const {
    return cells_[row * columns_ + column];
  }

  // What lies outside is left out. Text is ASCII; anything else in it, which
  // may come from a hostile monitor, becomes '?'. Gives the column behind.
  size_t put(size_t row, size_t column, std::string_view text,
             LiveStyle style = LiveStyle::plain);
  void put(size_t row, size_t column, LiveCell cell);

  // A row as UTF-8, without blanks at its end.
  [[nodiscard]] std::string text(size_t row) const;

private:
  size_t columns_, rows_;
  std::vector<LiveCell> cells_;
};

} // namespace migscope::tools
