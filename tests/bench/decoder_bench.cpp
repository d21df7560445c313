// How much the decoder costs beside the least that any reader of a stream does:
// a walk that touches one word of every page. Prints ratios taken in one run.
//
//   decoder_bench [MIB]     size of the stream of full pages, default 1024

#include "base/byte_order.h"
#include "captures/stream/decoder.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <vector>

using namespace migscope;
using namespace migscope::captures;

namespace {

constexpr size_t kPageSize = 4096;
constexpr int kRuns = 5;

using Bytes = std::vector<std::byte>;

void put(Bytes& out, uint64_t value, unsigned size) {
  while (size-- > 0)
    out.push_back(static_cast<std::byte>(value >> (8 * size)));
}

void put_text(Bytes& out, std::string_view text) {
  put(out, text.size(), 1);
  for (char c : text)
    out.push_back(static_cast<std::byte>(c));
}

struct Stream {
  std::string name;
  Bytes bytes;
  size_t pages = 0;
  std::vector<uint32_t> strides; // from page word to page word, repeated
};

// A PART of `pages` pages; page k is full where full(k).
template <typename Full>
Stream make_stream(std::string name, size_t pages, size_t period, Full full) {
  Stream out{std::move(name), {}, pages, {}};
  size_t full_pages = 0;
  for (size_t k = 0; k < period; ++k) {
    full_pages += full(k);
    out.strides.push_back(full(k) ? 8 + kPageSize : 9);
  }
  out.bytes.reserve(4096 + pages * 9 + pages / period * full_pages * kPageSize);
  put(out.bytes, wire::kFileMagic, 4);
  put(out.bytes, wire::kFileVersion, 4);
  put(out.bytes, wire::kSectionStart, 1);
  put(out.bytes, 2, 4);
  put_text(out.bytes, "ram");
  put(out.bytes, 0, 4);
  put(out.bytes, 4, 4);
  put(out.bytes, (pages + 1) * kPageSize | wire::kRamMemSize, 8);
  put_text(out.bytes, "pc.ram");
  put(out.bytes, (pages + 1) * kPageSize, 8);
  put(out.bytes, wire::kRamZero, 8);
  put_text(out.bytes, "pc.ram");
  put(out.bytes, 0, 1);
  for (size_t k = 0; k < pages; ++k) {
    uint64_t kind = full(k % period) ? wire::kRamPage : wire::kRamZero;
    put(out.bytes, (k + 1) * kPageSize | kind | wire::kRamContinue, 8);
    size_t content = full(k % period) ? kPageSize : 1;
    out.bytes.insert(out.bytes.end(), content, std::byte{0});
  }
  return out;
}

// Counts, so that nothing is left out by the optimizer.
class Counter : public StreamEvents {
public:
  void on_pages(std::span<const PageItem> items) override {
    pages += items.size();
    last = items.back().address;
  }
  size_t pages = 0;
  uint64_t last = 0;
};

double seconds(auto work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

volatile uint64_t sink;

void walk(const Stream& stream) {
  uint64_t sum = 0;
  size_t at = stream.bytes.size() % 4096;
  const size_t end = stream.bytes.size() - 8;
  if (stream.strides.size() == 1) {
    for (const size_t stride = stream.strides[0]; at < end; at += stride)
      sum += load_be<uint64_t>(stream.bytes.data() + at);
  } else {
    for (size_t k = 0; at < end; k = (k + 1) % stream.strides.size()) {
      sum += load_be<uint64_t>(stream.bytes.data() + at);
      at += stream.strides[k];
    }
  }
  sink = sum;
}

void decode(const Stream& stream, size_t chunk) {
  Counter counter;
  StreamDecoder decoder(counter);
  for (size_t at = 0; at < stream.bytes.size(); at += chunk) {
    size_t size = std::min(chunk, stream.bytes.size() - at);
    if (Status fed = decoder.feed({stream.bytes.data() + at, size}); !fed) {
      fmt::print(stderr, "{}\n", describe(fed.error()));
      std::exit(1);
    }
  }
  if (counter.pages != stream.pages + 1)
    std::abort();
}

void measure(const Stream& stream) {
  for (size_t chunk : {size_t{1} << 16, size_t{1} << 20, stream.bytes.size()}) {
    double bare = 1e9, full = 1e9;
    for (int run = 0; run < kRuns; ++run) {
      bare = std::min(bare, seconds([&] { walk(stream); }));
      full = std::min(full, seconds([&] { decode(stream, chunk); }));
    }
    double per_page = 1e9 / static_cast<double>(stream.pages);
    fmt::print("{:12} chunks of {:>10}: walk {:6.2f} ns/page, decoder {:6.2f} "
               "ns/page, ratio {:.2f}\n",
               stream.name, chunk, bare * per_page, full * per_page,
               full / bare);
  }
}

} // namespace

int main(int argc, char** argv) {
  size_t mib = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1024;
  size_t pages = mib * 256;
  measure(make_stream("full", pages, 1, [](size_t) { return true; }));
  measure(make_stream("zero", 16 * pages, 1, [](size_t) { return false; }));
  measure(
      make_stream("one in 16", 4 * pages, 16, [](size_t k) { return k == 0; }));
}
