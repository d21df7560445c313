#include "tools/report/cells.h"

#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace migscope::tools {

Cell word(std::string text) {
  return {std::move(text)};
}

Cell count(std::optional<uint64_t> value) {
  return {figure(value)};
}

Cell decimal(std::optional<double> value, int digits) {
  return {figure(value, digits)};
}

Cell mib(uint64_t bytes) {
  return mib(std::optional(static_cast<double>(bytes)));
}

Cell mib(const std::optional<uint64_t>& bytes) {
  return bytes ? mib(*bytes) : word("?");
}

Cell mib(const std::optional<double>& bytes) {
  return {figure(bytes ? std::optional(*bytes / (1 << 20)) : bytes, 1)};
}

Cell address(std::optional<uint64_t> value) {
  return {value ? fmt::format("{:#x}", *value) : "?"};
}

Cell bar(Cell cell, double value, double most) {
  cell.share = most > 0 ? std::clamp(value / most, 0.0, 1.0) : 0.0;
  return cell;
}

std::vector<std::vector<Cell>> some_rows(std::vector<std::vector<Cell>> rows,
                                         size_t most) {
  if (rows.size() <= most)
    return rows;
  auto head = static_cast<ptrdiff_t>(most - most / 2);
  auto tail = static_cast<ptrdiff_t>(most / 2);
  size_t left_out = rows.size() - most;
  std::vector<std::vector<Cell>> out(
      std::make_move_iterator(rows.begin()),
      std::make_move_iterator(rows.begin() + head));
  out.emplace_back(out.front().size(), Cell{"…"});
  out.back().front().text = fmt::format("… {} more", left_out);
  out.insert(out.end(), std::make_move_iterator(rows.end() - tail),
             std::make_move_iterator(rows.end()));
  return out;
}

} // namespace migscope::tools
