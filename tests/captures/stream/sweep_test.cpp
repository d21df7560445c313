// Every fixture cut and changed in 2,000 places each: whatever is left must be
// told soundly. Under the sanitizers this is also the test that no byte of a
// real stream is trusted.
#include "captures/stream/decoder.h"
#include "qmp/json.h"
#include "tests/support/fixture.h"

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <random>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr int kPlaces = 2000;

struct Place {
  uint64_t offset = 0;
  uint64_t address = 0;
  uint32_t block = 0;
  auto operator<=>(const Place&) const = default;
};

// Holds what is told against what may be told.
class Judge : public StreamEvents {
public:
  explicit Judge(uint64_t size) : size_(size) {}

  void on_section_begin(const SectionHeader& header) override {
    spots.push_back(header.offset);
    expect(!open_, "a section begins inside another");
    expect(header.offset < size_, "a section beyond the input");
    open_ = header;
    pages_of_section_ = header.idstr == "ram";
  }
  void on_device_body(const SectionHeader& header,
                      std::span<const std::byte> body) override {
    expect(open_ && open_->offset == header.offset,
           "a body of another section");
    expect(body.size() <= size_, "a body larger than the input");
  }
  void on_section_end(const SectionHeader& header,
                      const SectionEnd& end) override {
    expect(open_ && open_->offset == header.offset, "another section ends");
    spots.push_back(end.end - 5); // its footer
    expect(end.end <= size_ && end.end > header.offset, "an end elsewhere");
    open_.reset();
  }
  void on_ram_blocks(std::span<const RamBlock> list, uint32_t page) override {
    expect(list.size() >= blocks_.size(), "the block list shrinks");
    blocks_.assign(list.begin(), list.end());
    page_size_ = page;
  }
  void on_pages(std::span<const PageItem> pages) override {
    expect(open_ && pages_of_section_, "pages outside a ram section");
    for (const PageItem& page : pages) {
      expect(page.block < blocks_.size(), "a page of no block");
      expect(page.address % page_size_ == 0 &&
                 page.address < blocks_[page.block].used_length,
             "a page outside its block");
      expect(page.offset + page.wire_bytes <= size_, "a page not there");
      expect(page.content.size() <= page.wire_bytes, "more content than item");
      spots.push_back(page.offset);
      pages_.push_back({page.offset, page.address, page.block});
    }
  }
  void on_package_begin(uint64_t offset, uint32_t bytes) override {
    expect(!package_end_, "a package inside another");
    package_end_ = offset + bytes;
  }
  void on_package_end(uint64_t offset) override {
    expect(package_end_ == offset, "a package ends elsewhere");
    package_end_.reset();
  }
  void on_eof(uint64_t) override { expect(!open_, "end inside a section"); }
  void on_damage(const Damage& damage) override {
    expect(damage.error.kind == ErrorKind::malformed, "another kind of damage");
    expect(damage.error.offset < damage.resumed && damage.resumed <= size_,
           "damage goes backwards, or beyond the input");
    expect(damage.resumed > resumed_, "damage twice");
    resumed_ = damage.resumed;
    open_.reset();
    if (package_end_ && *package_end_ < damage.resumed)
      package_end_.reset();
    ++damages;
  }
  void on_problem(uint64_t offset, std::string_view) override {
    expect(offset <= size_, "a problem beyond the input");
  }

  void finish(const Status& status, uint64_t position) {
    expect(position <= size_, "position beyond the input");
    if (status) {
      expect(!open_, "the stream ends inside a section");
      expect(!package_end_, "the stream ends inside a package");
    } else {
      expect(!status.error().message.empty(), "an error that says nothing");
      expect(status.error().offset <= size_, "an error beyond the input");
    }
  }
  std::vector<Place> pages() {
    std::ranges::sort(pages_);
    return std::move(pages_);
  }

  std::vector<uint64_t> spots; // where something of the stream begins
  size_t damages = 0;
  std::string complaint; // the first

private:
  void expect(bool good, std::string_view what) {
    if (!good && complaint.empty())
      complaint = what;
  }

  uint64_t size_;
  std::optional<SectionHeader> open_;
  std::vector<RamBlock> blocks_;
  std::vector<Place> pages_;
  std::optional<uint64_t> package_end_;
  uint64_t resumed_ = 0;
  uint32_t page_size_ = 1;
  bool pages_of_section_ = false;
};

struct Verdict {
  std::string complaint;
  std::string error;
  std::vector<Place> pages;
  std::vector<uint64_t> spots;
  size_t damages = 0;
  std::chrono::duration<double> time;
};

Verdict read(std::span<const std::byte> bytes, const DecoderOptions& options) {
  auto start = std::chrono::steady_clock::now();
  Judge judge(options.origin + bytes.size());
  StreamDecoder decoder(judge, options);
  Status status = decoder.feed(bytes);
  if (status)
    status = decoder.finish();
  judge.finish(status, decoder.position());
  return {judge.complaint, status ? "" : describe(status.error()),
          judge.pages(),   std::move(judge.spots),
          judge.damages,   std::chrono::steady_clock::now() - start};
}

// Pages told of where the whole stream has none, or another; but not of the
// item that byte `changed` is in.
size_t strange_pages(const std::vector<Place>& told,
                     const std::vector<Place>& whole, uint64_t changed) {
  return std::ranges::count_if(told, [&](const Place& page) {
    auto right = std::ranges::lower_bound(whole, page);
    bool same = right != whole.end() && *right == page;
    bool touched = page.offset <= changed && changed < page.offset + 300;
    return !same && !touched;
  });
}

DecoderOptions options_for(const std::string& name,
                           std::span<const std::byte> bytes) {
  DecoderOptions options;
  auto facts = qmp::Json::parse(read_fixture(name + ".json"));
  REQUIRE(facts);
  options.origin = facts->get("origin").as_uint().value_or(0);
  if (auto text = find_description(bytes))
    if (auto parsed = parse_description(*text))
      options.description = *parsed;
  return options;
}

// What came of all places of a fixture.
struct Sum {
  void add(const Verdict& out, size_t place) {
    if (!out.complaint.empty() && complaint.empty())
      complaint = fmt::format("{}: {} ({})", place, out.complaint, out.error);
    slowest = std::max(slowest, out.time.count());
    resumed += out.damages > 0;
    failed += !out.error.empty();
  }
  void check() const {
    CHECK(complaint == "");
    CHECK(slowest < 1); // second
  }

  std::string complaint; // the first
  double slowest = 0;
  size_t resumed = 0;
  size_t failed = 0;
};

std::vector<size_t> cuts(size_t size) {
  std::minstd_rand random(1);
  std::vector<size_t> out(kPlaces);
  std::ranges::generate(out, [&] { return random() % size; });
  return out;
}

// One in two is in the content of a page or a device, for the most part; the
// other in what gives the stream its shape.
std::vector<size_t> places(size_t size, const std::vector<uint64_t>& spots,
                           uint64_t origin) {
  std::minstd_rand random(2);
  std::vector<size_t> out(kPlaces);
  std::ranges::generate(out, [&]() -> size_t {
    if (random() % 2 == 0)
      return random() % size;
    uint64_t spot = spots[random() % spots.size()] - origin;
    return std::min<size_t>(spot + random() % 24, size - 1);
  });
  return out;
}

} // namespace

TEST_CASE("every fixture, cut in 2,000 places") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    auto bytes = read_zst_fixture(name + ".zst");
    DecoderOptions options = options_for(name, bytes);
    if (!name.ends_with("no-footer"))
      options.description.reset(); // which is at the end
    Sum sum;
    for (size_t size : cuts(bytes.size())) {
      Verdict out = read(std::span(bytes).first(size), options);
      if (out.damages > 0)
        out.complaint += "; damage";
      if (out.error.find("the stream ends early") == out.error.npos)
        out.complaint += "; no early end";
      sum.add(out, size);
    }
    sum.check();
  }
}

TEST_CASE("every fixture, with one byte changed in 2,000 places") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    auto bytes = read_zst_fixture(name + ".zst");
    DecoderOptions options = options_for(name, bytes);
    Verdict whole = read(bytes, options);
    std::minstd_rand random(3);
    Sum sum;
    for (size_t at : places(bytes.size(), whole.spots, options.origin)) {
      std::byte good = bytes[at];
      bytes[at] ^= static_cast<std::byte>(1 + random() % 255);
      Verdict out = read(bytes, options);
      bytes[at] = good;
      if (strange_pages(out.pages, whole.pages, options.origin + at) > 0)
        out.complaint += "; pages that were never sent";
      sum.add(out, at);
    }
    sum.check();
    CHECK((sum.resumed > 0) == !name.ends_with("no-footer"));
  }
}
