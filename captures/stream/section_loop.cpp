// The section loop of QEMU's main channel (QEMU migration/savevm.c,
// qemu_loadvm_state_main).
#include "captures/stream/configuration.h"
#include "captures/stream/decoder_impl.h"
#include "captures/stream/limits.h"
#include "captures/stream/stream_start.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint32_t kReversedMagic = __builtin_bswap32(wire::kFileMagic);
// RAM's version is 4 in all of 7.2 to 11.1.
constexpr uint32_t kRamVersion = 4;

bool opens_item(uint8_t type) {
  return type <= wire::kSectionFull || type == wire::kCommand;
}

} // namespace

Result<Step> StreamDecoder::Impl::step(const Window& in) {
  switch (stage_) {
  case Stage::header:
    return header(in);
  case Stage::item:
    return item(in);
  case Stage::ram:
    return ram(in);
  case Stage::iterable:
    return iterable(in);
  case Stage::device:
    return device(in);
  case Stage::footer:
    return footer(in);
  case Stage::after_eof:
    return after_eof(in);
  case Stage::trailing:
    return trailing(in);
  case Stage::lost:
    return lost(in);
  case Stage::done:
    break;
  }
  return Step{};
}

Result<Step> StreamDecoder::Impl::header(const Window& window) {
  ItemReader in(window);
  auto magic = in.be<uint32_t>();
  auto version = in.be<uint32_t>();
  if (in.is_short())
    return in.wait();
  if (magic == kReversedMagic)
    return malformed(window.offset,
                     "starts with \"MVEQ\": a main channel's \"QEVM\" with "
                     "its bytes in reverse order");
  if (magic != wire::kFileMagic) {
    auto start = classify_start(window.bytes.first(kHeaderBytes));
    return malformed(window.offset,
                     fmt::format("starts with {:#010x} ({}), expected {:#010x} "
                                 "(\"QEVM\") of a migration's main channel",
                                 magic, describe(start), wire::kFileMagic));
  }
  if (version != wire::kFileVersion)
    return unsupported(
        window.offset + 4,
        fmt::format("stream version {}{}, expected {}", version,
                    version == wire::kOldFileVersion
                        ? " (obsolete; no QEMU from 7.2 on reads it)"
                        : "",
                    wire::kFileVersion));
  events_.on_header(version);
  stage_ = Stage::item;
  return in.taken();
}

Result<Step> StreamDecoder::Impl::item(const Window& in) {
  if (in.bytes.empty())
    return Step{0, 1};
  auto type = std::to_integer<uint8_t>(in.bytes[0]);
  switch (type) {
  case wire::kEof:
    return eof(in);
  case wire::kSectionStart:
  case wire::kSectionFull:
    return opening(in, static_cast<SectionKind>(type));
  case wire::kSectionPart:
  case wire::kSectionEnd:
    return continuation(in, static_cast<SectionKind>(type));
  case wire::kCommand:
    return command(in);
  case wire::kConfiguration:
    if (position_ == origin_ + kHeaderBytes)
      return configuration(in);
    break;
  default:
    break;
  }
  Judgement second = judge_header(in);
  if (second.verdict == Verdict::open)
    return Step{0, second.need};
  if (second.verdict == Verdict::yes)
    return unsupported(in.offset, "a second stream starts here (\"QEVM\"); the "
                                  "one before has no end-of-stream byte");
  return malformed(in.offset,
                   fmt::format("section type {:#04x}, expected EOF (0x00), "
                               "START (0x01), PART (0x02), END (0x03), FULL "
                               "(0x04) or COMMAND (0x08)",
                               type));
}

Result<Step> StreamDecoder::Impl::eof(const Window& in) {
  if (package_end_)
    return malformed(in.offset, fmt::format("an end-of-stream byte inside the "
                                            "package that ends at {:#x}",
                                            *package_end_));
  ended_ = true;
  events_.on_eof(in.offset);
  stage_ = Stage::after_eof;
  return Step{1};
}

Result<Step> StreamDecoder::Impl::configuration(const Window& in) {
  auto item = read_configuration(in.from(1));
  if (!item)
    return fail(item.error());
  if (item->step.need > 0)
    return Step{0, 1 + item->step.need};
  const Configuration& value = item->value;
  if (value.target_page_bits) {
    ram_.set_page_size(1u << *value.target_page_bits);
    page_bits_told_ = true;
  }
  auto has = [&](std::string_view name) {
    return std::ranges::find(value.capabilities, name) !=
           value.capabilities.end();
  };
  layout_.ignore_shared = has("x-ignore-shared");
  layout_.mapped_ram = has("mapped-ram");
  events_.on_configuration(value);
  return Step{1 + item->step.used};
}

Result<Step> StreamDecoder::Impl::opening(const Window& window,
                                          SectionKind kind) {
  ItemReader in(window);
  in.take(1);
  SectionHeader header;
  header.kind = kind;
  header.offset = window.offset;
  header.id = in.be<uint32_t>();
  header.idstr = in.counted_string();
  header.instance_id = in.be<uint32_t>();
  header.version_id = in.be<uint32_t>();
  if (in.is_short())
    return in.wait();
  if (!is_text(header.idstr) || header.version_id >= kPlausibleVersions)
    return malformed(window.offset,
                     fmt::format("section {} with the name {} and version {}, "
                                 "expected text and a small number",
                                 header.id, quoted(header.idstr),
                                 header.version_id));
  if (kind == SectionKind::start)
    if (Status started = table_.start(header); !started)
      return fail(started.error());
  body_start_ = window.offset + in.used();
  if (Status begun = begin_section(std::move(header)); !begun)
    return fail(begun.error());
  return in.taken();
}

Result<Step> StreamDecoder::Impl::continuation(const Window& window,
                                               SectionKind kind) {
  ItemReader in(window);
  in.take(1);
  auto id = in.be<uint32_t>();
  if (in.is_short())
    return in.wait();
  const SectionHeader* started = table_.find(id);
  if (!started)
    return malformed(window.offset,
                     fmt::format("{} of section {}, which no START has opened",
                                 captures::name_of(kind), id));
  SectionHeader header = *started;
  header.kind = kind;
  header.offset = window.offset;
  body_start_ = window.offset + in.used();
  if (Status begun = begin_section(std::move(header)); !begun)
    return fail(begun.error());
  return in.taken();
}

Status StreamDecoder::Impl::begin_section(SectionHeader header) {
  section_ = std::move(header);
  bool full = section_.kind == SectionKind::full;
  if (full && ++devices_ > limits::kMaxSections)
    return malformed(
        section_.offset,
        fmt::format("more than {} sections of devices", limits::kMaxSections));
  bool is_ram = !full && section_.idstr == "ram";
  if (is_ram && section_.version_id != kRamVersion)
    return unsupported(section_.offset,
                       fmt::format("{} has version {}, expected {}",
                                   captures::describe(section_),
                                   section_.version_id, kRamVersion));
  events_.on_section_begin(section_);
  if (full) {
    device_.begin(section_);
    stage_ = Stage::device;
  } else if (is_ram) {
    ram_.set_list_layout(layout_);
    ram_.begin(section_.kind, section_.offset);
    stage_ = Stage::ram;
  } else {
    iterable_.begin(section_);
    if (section_.kind == SectionKind::start && iterable_.scanned())
      events_.on_problem(section_.offset,
                         captures::describe(section_) +
                             " has a layout that is not known; the end of its "
                             "sections is found by their footers");
    stage_ = Stage::iterable;
  }
  return {};
}

Result<Step> StreamDecoder::Impl::ram(const Window& in) {
  auto step = ram_.decode(in);
  if (!step)
    position_ = *step.error().offset; // the item's; those before are told
  else if (step->done)
    end_body(in.offset + step->used, BodyExtent::parsed);
  return step;
}

Result<Step> StreamDecoder::Impl::iterable(const Window& in) {
  auto step = iterable_.decode(in, context());
  if (step && iterable_.scanned() && footers_ == Footers::absent)
    return unsupported(section_.offset,
                       "the body can only be told from what follows by its "
                       "footer, and this stream has none");
  if (!step)
    position_ = *step.error().offset; // the item's
  else if (step->done)
    end_body(in.offset + step->used, iterable_.scanned()
                                         ? BodyExtent::footer_scan
                                         : BodyExtent::parsed);
  return step;
}

Result<Step> StreamDecoder::Impl::device(const Window& in) {
  auto step = device_.find_end(in, footers_, context());
  if (auto problem = device_.take_problem())
    events_.on_problem(section_.offset, *problem);
  if (!step || !step->done)
    return step;
  events_.on_device_body(section_, in.bytes.first(step->used));
  end_body(in.offset + step->used, device_.extent());
  return step;
}

void StreamDecoder::Impl::end_body(uint64_t end, BodyExtent extent) {
  section_end_.body_bytes = end - body_start_;
  section_end_.extent = extent;
  ram_ended_ |= stage_ == Stage::ram && section_.kind == SectionKind::end;
  stage_ = Stage::footer;
}

Result<Step> StreamDecoder::Impl::footer(const Window& window) {
  ItemReader in(window);
  if (footers_ != Footers::absent) {
    auto type = in.peek();
    if (in.is_short())
      return in.wait();
    if (footers_ == Footers::unknown && opens_item(type)) {
      Judgement next = judge_next(window, 0, context());
      if (next.verdict == Verdict::open && window.tail == Tail::open)
        return Step{0, next.need};
      if (next.verdict != Verdict::no)
        footers_ = Footers::absent;
    }
  }
  if (footers_ == Footers::absent) {
    end_section(window.offset);
    return Step{};
  }
  auto type = in.be<uint8_t>();
  auto id = in.be<uint32_t>();
  next_item_ = window.offset + kFooterBytes;
  if (type != wire::kSectionFooter)
    return malformed(window.offset,
                     fmt::format("{:#04x} after the body, expected the footer "
                                 "(0x7e)",
                                 type));
  if (in.is_short())
    return in.wait();
  if (id != section_.id)
    return malformed(window.offset, fmt::format("a footer of section {}", id));
  footers_ = Footers::present;
  end_section(window.offset + in.used());
  return in.taken();
}

void StreamDecoder::Impl::end_section(uint64_t end) {
  section_end_.end = end;
  stage_ = Stage::item;
  events_.on_section_end(section_, section_end_);
}

Result<Step> StreamDecoder::Impl::after_eof(const Window& window) {
  ItemReader in(window);
  auto type = in.be<uint8_t>();
  if (in.is_short())
    return in.wait();
  if (type != wire::kVmDescription) {
    if (colo_)
      return unsupported(window.offset, "COLO checkpoints follow; they are not "
                                        "decoded");
    Judgement second = judge_header(window);
    if (second.verdict == Verdict::open)
      return Step{0, second.need};
    if (can_resume() && second.verdict == Verdict::no)
      return malformed(window.offset,
                       fmt::format("{:#04x} after the end-of-stream byte, "
                                   "expected the description or the end",
                                   type));
    stage_ = Stage::trailing;
    return Step{};
  }
  auto length = in.be<uint32_t>();
  if (length > limits::kMaxDescriptionBytes)
    return malformed(window.offset,
                     fmt::format("a description of {} bytes, expected at most "
                                 "{}",
                                 length, limits::kMaxDescriptionBytes));
  auto text = in.take(length);
  if (in.is_short())
    return in.wait();
  events_.on_description(
      {reinterpret_cast<const char*>(text.data()), text.size()},
      window.offset + in.used() - length);
  stage_ = colo_ ? Stage::after_eof : Stage::trailing;
  return in.taken();
}

} // namespace migscope::captures
