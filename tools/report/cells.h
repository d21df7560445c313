// Figures as they stand in the tables of a report.
#pragma once

#include "tools/report/report_data.h"

#include <cstdint>

namespace migscope::tools {

[[nodiscard]] Cell word(std::string text);
// "?" where it is unknown.
[[nodiscard]] Cell count(std::optional<uint64_t> value);
[[nodiscard]] Cell decimal(std::optional<double> value, int digits = 1);
[[nodiscard]] Cell mib(uint64_t bytes);
[[nodiscard]] Cell mib(const std::optional<uint64_t>& bytes);
[[nodiscard]] Cell mib(const std::optional<double>& bytes);
[[nodiscard]] Cell address(std::optional<uint64_t> value);
// With a bar of its part of `most`.
[[nodiscard]] Cell bar(Cell cell, double value, double most);

// Rows of a table that has many: the first and the last ones, a row of dots
// between.
[[nodiscard]] std::vector<std::vector<Cell>>
some_rows(std::vector<std::vector<Cell>> rows, size_t most);

} // namespace migscope::tools
