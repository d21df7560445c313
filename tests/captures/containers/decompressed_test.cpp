#include "captures/containers/decompressed.h"

#include "base/task_pool.h"
#include "tests/captures/codec/packers.h"
#include "tests/captures/containers/memory_source.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

struct Format {
  std::string name;
  std::unique_ptr<Inflater> (*inflater)();
  Bytes (*pack)(std::span<const std::byte>);
};

// With a checksum, as the zstd program writes it.
Bytes zstd_checked(std::span<const std::byte> in) {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  Bytes out(ZSTD_compressBound(in.size()));
  out.resize(
      ZSTD_compress2(zstd, out.data(), out.size(), in.data(), in.size()));
  ZSTD_freeCCtx(zstd);
  return out;
}

const Format kFormats[] = {
    {"gzip", gzip_inflater, gzip_packed},
    {"zstd", zstd_inflater, zstd_checked},
    {"xz", xz_inflater, [](auto in) { return xz_packed(in); }},
};

ReadOut unpack_with(TaskPool* pool, const Format& format, Bytes packed,
                    size_t piece, const std::optional<Error>& error) {
  auto source = decompressed_source(
      std::make_unique<MemorySource>(std::move(packed), piece, error),
      format.inflater(), "FILE");
  if (pool)
    source->read_ahead(*pool);
  CHECK_FALSE(source->bytes());
  CHECK(source->tail(100)->empty());
  ReadOut out = read_out(*source);
  // An end or an error stays what it is.
  ReadOut again = read_out(*source);
  CHECK(again.bytes.empty());
  CHECK(again.error.has_value() == out.error.has_value());
  return out;
}

// The same whether pieces are made ahead or not.
ReadOut unpack(const Format& format, const Bytes& packed, size_t piece = 4096,
               const std::optional<Error>& error = {}) {
  CAPTURE(format.name);
  ReadOut out = unpack_with(nullptr, format, packed, piece, error);
  static TaskPool pool(3);
  ReadOut ahead = unpack_with(&pool, format, packed, piece, error);
  CHECK((ahead.bytes == out.bytes));
  REQUIRE(ahead.error.has_value() == out.error.has_value());
  if (out.error)
    CHECK(ahead.error->message == out.error->message);
  return out;
}

} // namespace

TEST_CASE("several members are one stream, however they are cut") {
  Bytes first = pattern(0, 3'000'000), second = pattern(3'000'000, 5000);
  for (const Format& format : kFormats) {
    Bytes packed = format.pack(first) + format.pack(second);
    for (size_t piece : {size_t{61}, size_t{65536}, SIZE_MAX}) {
      ReadOut out = unpack(format, packed, piece);
      CHECK_FALSE(out.error);
      CHECK((out.bytes == first + second));
    }
  }
}

TEST_CASE("data cut anywhere gives what is there, then says where it ends") {
  Bytes whole = pattern(0, 500);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(whole);
    for (size_t size = 0; size < packed.size(); size++) {
      ReadOut out = unpack(format, {packed.begin(), packed.begin() + size});
      REQUIRE(out.error);
      CHECK(out.error->kind == ErrorKind::truncated);
      CHECK(out.error->offset == size);
      CHECK(out.error->where == "FILE");
      REQUIRE(out.bytes.size() <= whole.size());
      CHECK(std::equal(out.bytes.begin(), out.bytes.end(), whole.begin()));
    }
  }
}

TEST_CASE("data that breaks gives what is before") {
  Bytes whole = pattern(0, 1'000'000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(whole);
    auto middle = packed.begin() + static_cast<ptrdiff_t>(packed.size() / 2);
    std::fill(middle, middle + 64, std::byte{0xff});
    ReadOut out = unpack(format, packed);
    REQUIRE(out.error);
    CHECK(out.error->kind == ErrorKind::malformed);
    CHECK(out.error->where == "FILE");
    CHECK(out.error->offset.value() <= packed.size());
    CHECK(out.bytes.size() <= whole.size());
  }
}

TEST_CASE("the error of what is unpacked comes after what it gave") {
  Bytes whole = pattern(0, 100'000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(whole);
    packed.resize(packed.size() - 10);
    ReadOut out = unpack(format, packed, 100, Error{ErrorKind::io, "gone"});
    REQUIRE(out.error);
    CHECK(out.error->message == "gone");
  }
}

TEST_CASE("a piece stays while it is kept, and a source can go at any time") {
  Bytes whole = pattern(0, 5'000'000);
  for (const Format& format : kFormats)
    for (size_t threads : {1, 2, 4}) {
      TaskPool pool(threads);
      auto source = decompressed_source(
          std::make_unique<MemorySource>(format.pack(whole), SIZE_MAX),
          format.inflater(), "FILE");
      source->read_ahead(pool);
      auto first = source->next();
      REQUIRE(first);
      auto held = source->keep();
      REQUIRE(source->next());
      CHECK(std::ranges::equal(*first, std::span(whole).first(first->size())));
    }
}
