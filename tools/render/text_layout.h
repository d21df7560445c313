// Words, figures and tables for a terminal of 80 columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::tools {

inline constexpr size_t kColumns = 80;

[[nodiscard]] std::string format_bytes(uint64_t bytes); // "2.1 MiB"
[[nodiscard]] std::string format_ms(double ms);         // "45.7 ms", "1.23 s"
// The figure, or "?" where it is unknown.
[[nodiscard]] std::string figure(std::optional<uint64_t> value);
[[nodiscard]] std::string figure(std::optional<double> value, int digits);

// `text` broken at blanks into lines of at most `first` columns, later ones of
// at most `later` (of each 1 at the least). A blank in the first `head` columns
// is none to break at; a word that is too long is cut. At least one line.
[[nodiscard]] std::vector<std::string>
lines_of(std::string_view text, size_t first, size_t later, size_t head);

// `text` broken at blanks, at most kColumns wide, every line after the first
// indented; a word that is too long is cut. Ends with a newline. What is not
// printable ASCII, and may come from a hostile stream, becomes '?'.
[[nodiscard]] std::string wrap(const std::string& text, size_t indent);
[[nodiscard]] std::string printable(const std::string& text);

// Right-aligned columns, the last one left-aligned; the first row is the head.
using Row = std::vector<std::string>;
[[nodiscard]] std::string table(const std::vector<Row>& rows);
// At most `most` rows: the first ones and the last ones, a row of dots between.
[[nodiscard]] std::vector<Row> shortened(std::vector<Row> rows, size_t most);

} // namespace migscope::tools
