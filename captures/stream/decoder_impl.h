// The section loop behind StreamDecoder, for its own sources only.
#pragma once

#include "captures/stream/decoder.h"
#include "captures/stream/device_body.h"
#include "captures/stream/iterable_body.h"
#include "captures/stream/ram_body.h"
#include "captures/stream/resync.h"

namespace migscope::captures {

class StreamDecoder::Impl {
public:
  Impl(StreamEvents& events, DecoderOptions options);

  Status feed(std::span<const std::byte> bytes);
  Status finish();
  [[nodiscard]] uint64_t position() const {
    return broken_ ? broken_at_ : position_;
  }
  [[nodiscard]] uint32_t page_size() const { return ram_.page_size(); }
  [[nodiscard]] ConnectionState connection_state() const;

private:
  enum class Stage : uint8_t {
    header,    // magic and version
    item,      // between sections
    ram,       // the body of a `ram` section
    iterable,  // the body of another START, PART or END
    device,    // the body of a FULL
    footer,    // after a body
    after_eof, // a description may follow
    trailing,  // nothing of the stream can follow
    lost,      // behind a break, until sense is found again
    done,
  };

  void adopt(const ConnectionState& state);
  // Takes what it can of bytes that stand at position_, tells of it, and says
  // how many bytes it took. Sets need_ or error_, or reaches Stage::done.
  size_t decode(std::span<const std::byte> bytes);
  [[nodiscard]] std::span<const std::byte>
  decode_carry(std::span<const std::byte> bytes);
  [[nodiscard]] Window window(std::span<const std::byte> bytes) const;
  void take(const Step& step, const Window& in);
  void conclude();

  [[nodiscard]] Result<Step> step(const Window& in);
  [[nodiscard]] Result<Step> header(const Window& in);
  [[nodiscard]] Result<Step> item(const Window& in);
  [[nodiscard]] Result<Step> eof(const Window& in);
  [[nodiscard]] Result<Step> configuration(const Window& in);
  [[nodiscard]] Result<Step> opening(const Window& in, SectionKind kind);
  [[nodiscard]] Result<Step> continuation(const Window& in, SectionKind kind);
  [[nodiscard]] Status begin_section(SectionHeader header);
  [[nodiscard]] Result<Step> ram(const Window& in);
  [[nodiscard]] Result<Step> iterable(const Window& in);
  [[nodiscard]] Result<Step> device(const Window& in);
  [[nodiscard]] Result<Step> footer(const Window& in);
  [[nodiscard]] Result<Step> after_eof(const Window& in);
  [[nodiscard]] Step trailing(const Window& in);
  void end_body(uint64_t end, BodyExtent extent);
  void end_section(uint64_t end);

  [[nodiscard]] Result<Step> command(const Window& in);
  [[nodiscard]] Status obey(const CommandItem& item);
  [[nodiscard]] Status take_advice(const CommandItem& item);
  [[nodiscard]] Status open_package(const CommandItem& item, uint64_t start);
  [[nodiscard]] Status check_blocks(const CommandItem& item) const;

  // The item at position_ makes no sense: looks for another, or ends for good.
  void break_off(Error error);
  [[nodiscard]] bool can_resume() const;
  [[nodiscard]] Step lost(const Window& in);
  void resume(uint64_t at);
  void fail_for_good(Error error);
  void note_trailing(uint64_t offset, bool second_stream);
  void note_unwritten_bitmaps();
  [[nodiscard]] bool in_section() const;
  // The error with the section in which it was met.
  [[nodiscard]] Error located(Error error) const;

  [[nodiscard]] SectionContext context() const { return {table_, ram_, colo_}; }
  // `rest`: what is there of the item at position_.
  [[nodiscard]] std::string describe_cut(std::span<const std::byte> rest) const;

  StreamEvents& events_;
  RamBody ram_;
  IterableBody iterable_;
  DeviceBody device_;
  SectionTable table_;
  RamListLayout layout_;

  std::vector<std::byte> carry_; // an unfinished item, at position_
  size_t need_ = 0;              // bytes from position_ that go on
  uint64_t origin_ = 0;
  uint64_t position_ = 0;
  std::optional<Error> error_;

  Resync resync_;
  std::optional<Error> broken_; // while lost: why
  uint64_t broken_at_ = 0;      // position_ then
  // Where the next item stands if only the one at position_ is broken.
  std::optional<uint64_t> next_item_;
  size_t damages_ = 0;
  size_t devices_ = 0; // their sections so far

  SectionHeader section_; // the open one
  SectionEnd section_end_;
  uint64_t body_start_ = 0;
  std::optional<uint64_t> package_end_;
  Stage stage_ = Stage::header;
  Footers footers_ = Footers::unknown;
  bool page_bits_told_ = false;
  bool colo_ = false;
  bool ended_ = false;     // the end-of-stream byte has come
  bool ram_ended_ = false; // the EOS of END ram has come
  bool final_ = false;     // finish() was called
};

} // namespace migscope::captures
