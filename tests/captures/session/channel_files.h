// Channel files as the tests of writer and reader need them.
#pragma once

#include "captures/session/channel_reader.h"
#include "captures/session/channel_writer.h"
#include "tests/support/bytes.h"

#include <doctest/doctest.h>

namespace migscope::captures {

using testing::Bytes;

inline constexpr MonoTime kStart{5'000'000'000};
inline constexpr Nanos kStep = std::chrono::milliseconds(60);

// Chunks of the test pattern, kStep apart.
inline void write_channel(const std::filesystem::path& path,
                          const std::vector<size_t>& lengths) {
  auto writer = ChannelWriter::create(path);
  REQUIRE(writer);
  uint64_t offset = 0;
  MonoTime at = kStart;
  for (size_t length : lengths) {
    CHECK((*writer)->append(testing::pattern(offset, length), at));
    offset += length;
    at = at + kStep;
  }
  CHECK((*writer)->stored_bytes() == offset);
  CHECK((*writer)->close());
}

struct Content {
  Bytes bytes;
  size_t failed_pieces = 0;
};

// Checks every piece that can be read against the pattern.
inline Content read_channel(const ChannelReader& reader) {
  Content content;
  Bytes piece;
  for (size_t i = 0; i < reader.pieces(); i++) {
    if (Status ok = reader.read_piece(i, piece); !ok) {
      CHECK(ok.error().offset.has_value());
      content.failed_pieces++;
      continue;
    }
    uint64_t offset = reader.piece_offset(i);
    CHECK(offset + piece.size() == reader.piece_offset(i + 1));
    CHECK((piece == testing::pattern(offset, piece.size())));
    content.bytes.insert(content.bytes.end(), piece.begin(), piece.end());
  }
  return content;
}

} // namespace migscope::captures
