// Runs a fuzz target on every file of the folders that are given, once.
#include "tests/support/bytes.h"

#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

size_t replay(const std::filesystem::path& folder) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    // Said first, so that it is known of the one that fails.
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);
    auto bytes = migscope::testing::read_file(entry.path());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                           bytes.size());
    ++files;
  }
  return files;
}

} // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++)
    if (replay(argv[i]) == 0) {
      std::fprintf(stderr, "no inputs in %s\n", argv[i]);
      return 1;
    }
  return argc > 1 ? 0 : 2;
}
