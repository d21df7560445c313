// The files in tests/fixtures.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::test {

// The names of all stream fixtures, without extension, sorted.
[[nodiscard]] std::vector<std::string> stream_fixtures();

// Throw where the file is missing or broken: the test cannot go on.
[[nodiscard]] std::string read_fixture(const std::string& file);
[[nodiscard]] std::vector<std::byte> read_zst_fixture(const std::string& file);

} // namespace migscope::test
