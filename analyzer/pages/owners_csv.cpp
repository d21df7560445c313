// The only user of libcsv.
#include "analyzer/pages/owners.h"

#include <algorithm>
#include <charconv>
#include <csv.h>
#include <fmt/format.h>
#include <numeric>
#include <unordered_map>

namespace migscope::analyzer {
namespace {

// A guest of 64 GiB without two pages in a row of the same owner.
constexpr size_t kMostRanges = 16u << 20;
constexpr size_t kMostColumns = 8;
constexpr size_t kMostNames = 1u << 20;
constexpr size_t kLongestName = 4096; // PATH_MAX

std::optional<uint64_t> address(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

class Table {
public:
  explicit Table(const std::string& where) : where_(where) {}

  void field(std::string_view text) {
    ++count_;
    if (fields_.size() < kMostColumns + 2)
      fields_.emplace_back(text);
  }

  // `end`: the character that ended it; below zero at the end.
  void end_line(int end) {
    bool blank = count_ == 0 || (count_ == 1 && fields_[0].empty());
    if (!error_ && !blank)
      owners_.columns.empty() ? head() : row();
    fields_.clear();
    count_ = 0;
    line_ += end == '\n';
  }

  void fail_here(std::string message) {
    if (!error_)
      error_ = Error{ErrorKind::malformed,
                     fmt::format("line {}: {}", line_ + 1, std::move(message)),
                     where_,
                     {}};
  }

  [[nodiscard]] Result<Owners> take();

private:
  void head();
  void row();
  [[nodiscard]] std::optional<uint32_t> id_of(size_t column,
                                              const std::string& name);

  const std::string& where_;
  std::vector<std::string> fields_; // the first ones of the line
  size_t count_ = 0;                // of them all
  uint64_t line_ = 0;               // of the field that comes, from 0
  std::optional<Error> error_;
  Owners owners_;
  std::vector<uint64_t> lines_; // of owners_.ranges
  std::vector<std::unordered_map<std::string, uint32_t>> ids_;
};

void Table::head() {
  if (fields_.size() < 3 || fields_[0] != "start" || fields_[1] != "end")
    return fail_here("expected a head \"start,end,owner\", perhaps with more "
                     "columns of names");
  if (count_ > 2 + kMostColumns)
    return fail_here(fmt::format("{} columns of names, expected at most {}",
                                 count_ - 2, kMostColumns));
  owners_.columns.assign(fields_.begin() + 2, fields_.end());
  owners_.names.resize(owners_.columns.size());
  ids_.resize(owners_.columns.size());
}

void Table::row() {
  const size_t columns = owners_.columns.size();
  if (count_ != columns + 2)
    return fail_here(fmt::format("{} fields, expected {} as in the head",
                                 count_, columns + 2));
  auto start = address(fields_[0]), end = address(fields_[1]);
  if (!start || !end || *start >= *end)
    return fail_here("expected two addresses, decimal or 0x..., the second "
                     "behind the first");
  if (owners_.ranges.size() == kMostRanges)
    return fail_here(fmt::format("more than {} ranges", kMostRanges));
  for (size_t i = 0; i < columns; ++i) {
    auto id = id_of(i, fields_[i + 2]);
    if (!id)
      return fail_here(fmt::format("a name of more than {} bytes, or more "
                                   "than {} names in column {}",
                                   kLongestName, kMostNames, i + 3));
    owners_.ids.push_back(*id);
  }
  owners_.ranges.push_back({*start, *end});
  lines_.push_back(line_ + 1);
}

std::optional<uint32_t> Table::id_of(size_t column, const std::string& name) {
  auto& names = owners_.names[column];
  auto known = ids_[column].find(name);
  if (known != ids_[column].end())
    return known->second;
  if (name.size() > kLongestName || names.size() == kMostNames)
    return {};
  auto id = static_cast<uint32_t>(names.size());
  ids_[column].emplace(name, id);
  names.push_back(name);
  return id;
}

Result<Owners> Table::take() {
  if (!error_ && owners_.columns.empty())
    fail_here("the table is empty");
  if (error_)
    return fail(*error_);
  std::vector<size_t> order(owners_.ranges.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {},
                           [&](size_t i) { return owners_.ranges[i].start; });
  const size_t columns = owners_.columns.size();
  std::vector<OwnerRange> ranges;
  std::vector<uint32_t> ids;
  for (size_t k = 0; k < order.size(); ++k) {
    const size_t i = order[k];
    if (!ranges.empty() && owners_.ranges[i].start < ranges.back().end)
      return fail({ErrorKind::malformed,
                   fmt::format("the ranges of lines {} and {} overlap",
                               lines_[order[k - 1]], lines_[i]),
                   where_,
                   {}});
    ranges.push_back(owners_.ranges[i]);
    for (size_t c = 0; c < columns; ++c)
      ids.push_back(owners_.ids[i * columns + c]);
  }
  owners_.ranges = std::move(ranges);
  owners_.ids = std::move(ids);
  return std::move(owners_);
}

void take_field(void* text, size_t size, void* table) {
  static_cast<Table*>(table)->field({static_cast<const char*>(text), size});
}

void take_line(int end, void* table) {
  static_cast<Table*>(table)->end_line(end);
}

// The next line with its end; empty after the last.
std::string_view take_text_line(std::string_view& text) {
  size_t end = text.find('\n');
  size_t size = end == text.npos ? text.size() : end + 1;
  std::string_view line = text.substr(0, size);
  text.remove_prefix(size);
  return line;
}

} // namespace

Result<Owners> parse_owners(std::string_view csv, const std::string& where) {
  Table table(where);
  csv_parser parser;
  // Every end of a line is told of, so that lines can be counted.
  csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  bool read = true;
  while (read && !csv.empty()) {
    std::string_view line = take_text_line(csv);
    if (line.starts_with('#')) // libcsv knows no comments
      line = line.ends_with('\n') ? "\n" : "";
    read = csv_parse(&parser, line.data(), line.size(), take_field, take_line,
                     &table) == line.size();
  }
  read = read && csv_fini(&parser, take_field, take_line, &table) == 0;
  if (!read)
    table.fail_here(csv_strerror(csv_error(&parser)));
  csv_free(&parser);
  return table.take();
}

} // namespace migscope::analyzer
