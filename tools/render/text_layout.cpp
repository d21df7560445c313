#include "tools/render/text_layout.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace migscope::tools {

std::string format_bytes(uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  // What would be rounded to 1024.0 is one of the next unit.
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit)
    value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes)
                   : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_ms(double ms) {
  return ms < 9999.95 ? fmt::format("{:.1f} ms", ms)
                      : fmt::format("{:.2f} s", ms / 1000);
}

std::string figure(std::optional<uint64_t> value) {
  return value ? fmt::format("{}", *value) : "?";
}

std::string figure(std::optional<double> value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "?";
}

std::string printable(const std::string& text) {
  std::string out = text;
  for (char& c : out)
    if (c < 0x20 || c > 0x7e)
      c = '?';
  return out;
}

std::vector<std::string> lines_of(std::string_view text, size_t first,
                                  size_t later, size_t head) {
  std::vector<std::string> out;
  size_t room = std::max<size_t>(first, 1);
  while (text.size() > room) {
    size_t cut = text.rfind(' ', room);
    // A blank in a title, or none: a word that is too long.
    bool whole = cut != text.npos && cut > head;
    out.emplace_back(text.substr(0, whole ? cut : room));
    text.remove_prefix(whole ? cut + 1 : room);
    room = std::max<size_t>(later, 1);
  }
  out.emplace_back(text);
  return out;
}

std::string wrap(const std::string& text, size_t indent) {
  std::string out, prefix;
  for (const std::string& line :
       lines_of(printable(text), kColumns, kColumns - indent, indent)) {
    out += prefix + line + "\n";
    prefix = std::string(indent, ' ');
  }
  return out;
}

std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size())
        widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i + 1 < row.size() ? fmt::format("{:>{}}  ", row[i], widths[i])
                                 : row[i];
    // Names come from the input and can be long.
    out += printable(line).substr(0, kColumns) + "\n";
  }
  return out;
}

std::vector<Row> shortened(std::vector<Row> rows, size_t most) {
  if (rows.size() <= most)
    return rows;
  size_t tail = most / 2;
  std::vector<Row> out(rows.begin(),
                       rows.begin() + static_cast<ptrdiff_t>(most - tail - 1));
  out.push_back(Row(rows.front().size(), "..."));
  out.insert(out.end(), rows.end() - static_cast<ptrdiff_t>(tail), rows.end());
  return out;
}

} // namespace migscope::tools
