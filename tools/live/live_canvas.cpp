#include "tools/live/live_canvas.h"

namespace migscope::tools {
namespace {

void append_utf8(std::string& out, char32_t glyph) {
  if (glyph < 0x80) {
    out += static_cast<char>(glyph);
  } else if (glyph < 0x800) {
    out += static_cast<char>(0xc0 | glyph >> 6);
    out += static_cast<char>(0x80 | (glyph & 0x3f));
  } else { // the glyphs of the charts lie below U+10000
    out += static_cast<char>(0xe0 | glyph >> 12);
    out += static_cast<char>(0x80 | (glyph >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (glyph & 0x3f));
  }
}

} // namespace

size_t LiveCanvas::put(size_t row, size_t column, std::string_view text,
                       LiveStyle style) {
  for (char c : text) {
    bool printable = c >= ' ' && c <= '~';
    put(row, column++, {printable ? static_cast<char32_t>(c) : U'?', style});
  }
  return column;
}

void LiveCanvas::put(size_t row, size_t column, LiveCell cell) {
  if (row < rows_ && column < columns_)
    cells_[row * columns_ + column] = cell;
}

std::string LiveCanvas::text(size_t row) const {
  std::string out;
  for (size_t column = 0; column < columns_; ++column)
    append_utf8(out, at(row, column).glyph);
  return out.substr(0, out.find_last_not_of(' ') + 1);
}

} // namespace migscope::tools
