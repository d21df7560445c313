// Descriptions out of whatever a capture comes in.
#include "analyzer/devices/read_description.h"

#include "tests/analyzer/devices/streams.h"
#include "tests/captures/codec/packers.h"
#include "tests/captures/containers/save_image.h"
#include "tests/support/temp_dir.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;

namespace {

Result<std::string> read_out_of(std::span<const std::byte> bytes) {
  testing::TempDir directory;
  auto path = directory / "file";
  testing::write_file(path, bytes);
  return read_description(path);
}

Bytes capture(const std::string& json) {
  return one_device(StreamBuilder().u8(5)).description(json).done();
}

Bytes xz(std::span<const std::byte> in) {
  return xz_packed(in);
}

} // namespace

TEST_CASE("a description out of a capture, compressed or in a save image") {
  std::string json = described(R"("fields": [])");
  Bytes stream = capture(json);
  CHECK(read_out_of(stream).value() == json);
  for (auto* pack : {gzip_packed, zstd_packed, xz})
    CHECK(read_out_of(pack(stream)).value() == json);
  CHECK(read_out_of(SaveImage{}.build(stream)).value() == json);
  SaveImage packed;
  packed.format = 1; // gzip
  CHECK(read_out_of(packed.build(gzip_packed(stream))).value() == json);
}

TEST_CASE("JSON by itself, compressed, too") {
  std::string json = "{\"devices\": []}";
  auto text = testing::bytes_of(json);
  CHECK(read_out_of(text).value() == json);
  for (auto* pack : {gzip_packed, zstd_packed, xz})
    CHECK(read_out_of(pack(text)).value() == json);
  Bytes cut = gzip_packed(text);
  cut.resize(cut.size() - 4);
  CHECK_FALSE(read_out_of(cut));
}

TEST_CASE("where there is none, why") {
  auto message = [](std::span<const std::byte> bytes) {
    auto out = read_out_of(bytes);
    REQUIRE_FALSE(out);
    return out.error().message;
  };
  Bytes stream = one_device(StreamBuilder().u8(5)).done();
  CHECK(message(stream) ==
        "expected a stream with a description at its end, found none");
  stream.resize(stream.size() - 4);
  CHECK(message(gzip_packed(stream))
            .starts_with("expected a stream with a description at its end, "
                         "found none: "));
  CHECK(message(testing::bytes_of("neither this nor that, for sure"))
            .starts_with("expected the main channel of a migration"));
}
