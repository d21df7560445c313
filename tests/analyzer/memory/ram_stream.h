// Streams of one RAM block for the tests of memory.
#pragma once

#include "analyzer/memory/memory_image.h"
#include "captures/stream/decoder.h"
#include "tests/support/bytes.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

namespace migscope::testing {

inline constexpr uint32_t kPage = 4096;

// Header, configuration and the START of a stream with one block, pc.ram.
inline test::StreamBuilder ram_start(uint64_t bytes) {
  test::StreamBuilder out;
  out.header().configuration("pc-i440fx-10.0");
  out.start(0, "ram").mem_size(bytes).block("pc.ram", bytes).eos().footer();
  return out;
}

// A block's image in a file, filled by a stream.
struct StoredImage {
  explicit StoredImage(std::optional<uint64_t> stop = {})
      : image(
            [this](const captures::RamBlock&) {
              return analyzer::BlockStore{&file, 0};
            },
            stop) {}

  // Feeds it all; the stream may be cut off.
  void feed(const test::StreamBuilder& stream) {
    captures::StreamDecoder decoder(image);
    REQUIRE(decoder.feed(stream.done()).has_value());
    (void)decoder.finish();
    REQUIRE_FALSE(image.failure());
  }

  // The byte at the front of a page and the one at its end.
  [[nodiscard]] std::pair<int, int> ends_of(uint64_t page) const {
    Bytes content(kPage);
    REQUIRE(file.read_at(page * kPage, content).has_value());
    return {std::to_integer<int>(content.front()),
            std::to_integer<int>(content.back())};
  }

  analyzer::SparseFile file = std::move(
      *analyzer::SparseFile::scratch(std::filesystem::temp_directory_path()));
  analyzer::MemoryImage image;
};

} // namespace migscope::testing
