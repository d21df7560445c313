// How bytes reach the section loop, whatever way they are cut.
#include "captures/stream/decoder.h"

#include "captures/stream/decoder_impl.h"
#include "captures/stream/limits.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// By how much at least an unfinished item grows at a time, so that looking for
// the end of a long body does not take a step for every byte. Growing by a
// part of what is there keeps the steps few.
constexpr size_t kGrowth = 256;

bool usable_page_size(uint32_t bytes) {
  return std::has_single_bit(bytes) && bytes >= limits::kMinPageSize &&
         bytes <= limits::kMaxPageSize;
}

} // namespace

StreamDecoder::StreamDecoder(StreamEvents& events, DecoderOptions options)
    : impl_(std::make_unique<Impl>(events, std::move(options))) {}
StreamDecoder::~StreamDecoder() = default;

Status StreamDecoder::feed(std::span<const std::byte> bytes) {
  return impl_->feed(bytes);
}
Status StreamDecoder::finish() {
  return impl_->finish();
}
uint64_t StreamDecoder::position() const {
  return impl_->position();
}
uint32_t StreamDecoder::page_size() const {
  return impl_->page_size();
}
ConnectionState StreamDecoder::connection_state() const {
  return impl_->connection_state();
}

StreamDecoder::Impl::Impl(StreamEvents& events, DecoderOptions options)
    : events_(events), ram_(events), device_(options.description),
      origin_(options.origin), position_(options.origin) {
  uint32_t page_size = options.page_size;
  if (options.description && options.description->page_size)
    page_size = *options.description->page_size;
  if (options.resumed)
    page_size = options.resumed->page_size;
  if (!usable_page_size(page_size)) {
    error_ = Error{ErrorKind::usage,
                   fmt::format("target page size {}, expected a power of two "
                               "from {} to {}",
                               page_size, limits::kMinPageSize,
                               limits::kMaxPageSize)};
    page_size = limits::kMinPageSize;
  }
  ram_.set_page_size(page_size);
  if (options.resumed)
    adopt(*options.resumed);
}

void StreamDecoder::Impl::adopt(const ConnectionState& state) {
  stage_ = Stage::item;
  if (state.footers)
    footers_ = *state.footers ? Footers::present : Footers::absent;
  Status adopted = ram_.list().adopt(state.blocks);
  for (const SectionHeader& section : state.sections)
    if (adopted)
      adopted = table_.start(section);
  if (!adopted)
    error_ = adopted.error();
}

ConnectionState StreamDecoder::Impl::connection_state() const {
  ConnectionState out;
  const RamBlockList& list = ram_.list();
  // The entries of a list in which the connection stops have not been told.
  if (list.complete() || list.broken() || layout_.mapped_ram)
    out.blocks.assign(list.blocks().begin(), list.blocks().end());
  out.sections = table_.all();
  out.page_size = ram_.page_size();
  if (footers_ != Footers::unknown)
    out.footers = footers_ == Footers::present;
  return out;
}

Status StreamDecoder::Impl::feed(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !error_ && stage_ != Stage::done) {
    if (!carry_.empty()) {
      bytes = decode_carry(bytes);
      continue;
    }
    bytes = bytes.subspan(decode(bytes));
    if (!error_ && stage_ != Stage::done) {
      carry_.assign(bytes.begin(), bytes.end());
      return {};
    }
  }
  if (error_)
    return fail(*error_);
  return {};
}

// Completes the unfinished item with the first of `bytes`. Returns those not
// taken: reading goes on in them as soon as nothing older is left.
std::span<const std::byte>
StreamDecoder::Impl::decode_carry(std::span<const std::byte> bytes) {
  size_t old = carry_.size();
  size_t goal = std::max({need_, old + kGrowth, old + old / 2});
  size_t taken = std::min(goal - old, bytes.size());
  carry_.insert(carry_.end(), bytes.begin(), bytes.begin() + taken);
  if (carry_.size() < need_)
    return bytes.subspan(taken);
  size_t used = decode(carry_);
  size_t left = carry_.size() - used;
  if (left <= taken) {
    carry_.clear();
    return bytes.subspan(taken - left);
  }
  carry_.erase(carry_.begin(), carry_.begin() + used);
  return bytes.subspan(taken);
}

size_t StreamDecoder::Impl::decode(std::span<const std::byte> bytes) {
  size_t at = 0;
  need_ = 0;
  while (need_ == 0 && !error_ && stage_ != Stage::done) {
    if (stage_ == Stage::item && package_end_ == position_) {
      package_end_.reset();
      events_.on_package_end(position_);
    }
    Window in = window(bytes.subspan(at));
    uint64_t before = position_;
    auto step = this->step(in);
    if (step)
      take(*step, in);
    else
      break_off(located(step.error()));
    at += position_ - before;
  }
  return at;
}

Window StreamDecoder::Impl::window(std::span<const std::byte> bytes) const {
  bool inside = package_end_ && stage_ != Stage::lost;
  if (inside && bytes.size() >= *package_end_ - position_)
    return {bytes.first(*package_end_ - position_), position_, Tail::package,
            true};
  return {bytes, position_, final_ ? Tail::stream : Tail::open, inside};
}

void StreamDecoder::Impl::take(const Step& step, const Window& in) {
  position_ += step.used;
  need_ = step.need;
  if (need_ == 0 || !package_end_ || stage_ == Stage::lost)
    return;
  if (in.tail == Tail::package)
    return break_off(
        {ErrorKind::malformed,
         fmt::format("the package ends early, at {:#x}: {}", *package_end_,
                     describe_cut(in.bytes.subspan(step.used))),
         {},
         position_});
  need_ = std::min<uint64_t>(need_, *package_end_ - position_);
}

Status StreamDecoder::Impl::finish() {
  if (!error_ && stage_ != Stage::done && !final_) {
    final_ = true;
    size_t used = decode(carry_);
    carry_.erase(carry_.begin(), carry_.begin() + used);
    if (!error_)
      conclude();
  }
  if (error_)
    return fail(*error_);
  return {};
}

} // namespace migscope::captures
