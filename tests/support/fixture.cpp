#include "tests/support/fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <zstd.h>

namespace migscope::test {
namespace {

std::filesystem::path folder() {
  return MIGSCOPE_FIXTURES;
}

} // namespace

std::vector<std::string> stream_fixtures() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    if (entry.path().extension() == ".zst" &&
        entry.path().filename().string().starts_with("stream-"))
      out.push_back(entry.path().stem().string());
  std::ranges::sort(out);
  return out;
}

std::string read_fixture(const std::string& file) {
  std::ifstream in(folder() / file, std::ios::binary);
  if (!in)
    throw std::runtime_error("no fixture " + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::byte> read_zst_fixture(const std::string& file) {
  std::string packed = read_fixture(file);
  auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  // A frame written from a pipe does not say its size.
  if (ZSTD_isError(size) || size == ZSTD_CONTENTSIZE_UNKNOWN)
    size = 16u << 20;
  std::vector<std::byte> out(size);
  auto got =
      ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(got))
    throw std::runtime_error(file + ": " + ZSTD_getErrorName(got));
  out.resize(got);
  return out;
}

} // namespace migscope::test
