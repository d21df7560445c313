// What every parser of the stream works on: a piece of input that may end
// anywhere, items that are taken whole or not at all, and errors with a place.
#pragma once

#include "base/byte_order.h"
#include "base/error.h"

#include <span>
#include <string_view>

namespace migscope::captures {

// Whether bytes can follow those of a window.
enum class Tail : uint8_t {
  open,    // more may come
  package, // none: the end of a PACKAGED command's stream
  stream,  // none: the input has ended
};

struct Window {
  std::span<const std::byte> bytes;
  uint64_t offset = 0; // of bytes[0] in the channel
  Tail tail = Tail::open;
  // Of a package, whether its end is there or not: no stream ends in it.
  bool in_package = false;

  [[nodiscard]] Window from(size_t at) const {
    return {bytes.subspan(at), offset + at, tail, in_package};
  }
};

// What a parser made of a window. Items are taken whole: a parser that needs
// more leaves the item's first byte as the first one unused.
struct Step {
  size_t used = 0;
  size_t need = 0;   // bytes after `used` without which nothing goes on
  bool done = false; // the parser has reached its own end
};

// Whether something can stand at a place of a window.
enum class Verdict : uint8_t { no, yes, open };

struct Judgement {
  Verdict verdict = Verdict::no;
  size_t need = 0; // where open: bytes of the window that decide
};

[[nodiscard]] inline Judgement decided(bool yes) {
  return {yes ? Verdict::yes : Verdict::no};
}

// Where the byte stands next in bytes[at...end); `end` where it does not.
[[nodiscard]] size_t find_byte(const Window& in, size_t at, size_t end,
                               uint8_t byte);

// Reads the fields of one item. The first read that finds too little makes all
// further ones give zeros and need() say how many bytes the item takes at
// least, so that a parser asks once, where a decision hangs on the values.
class ItemReader {
public:
  explicit ItemReader(const Window& in) : bytes_(in.bytes) {}

  template <typename T>
  T be() {
    auto field = take(sizeof(T));
    return field.empty() ? T{} : load_be<T>(field.data());
  }
  // `count` has been checked against a limit.
  std::span<const std::byte> take(size_t count) {
    if (need_ == 0 && bytes_.size() - used_ < count)
      need_ = used_ + count;
    if (need_ != 0)
      return {};
    auto out = bytes_.subspan(used_, count);
    used_ += count;
    return out;
  }
  // The next byte, left where it is; zero where there is none.
  uint8_t peek() {
    uint8_t value = be<uint8_t>();
    if (!is_short())
      --used_;
    return value;
  }
  // u8 length, then that many bytes.
  std::string_view counted_string() {
    auto text = take(be<uint8_t>());
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  [[nodiscard]] bool is_short() const { return need_ != 0; }
  [[nodiscard]] size_t used() const { return used_; }
  // Nothing used, so much needed.
  [[nodiscard]] Step wait() const { return {0, need_}; }
  [[nodiscard]] Step taken() const { return {used_}; }

private:
  std::span<const std::byte> bytes_;
  size_t used_ = 0;
  size_t need_ = 0;
};

[[nodiscard]] tl::unexpected<Error> malformed(uint64_t offset,
                                              std::string message);
[[nodiscard]] tl::unexpected<Error> unsupported(uint64_t offset,
                                                std::string message);

// Whether it is printable ASCII, and not empty.
[[nodiscard]] bool is_text(std::string_view text);
// Text without blanks.
[[nodiscard]] bool is_plain(std::string_view text);

// A name from the stream, fit for a message: in quotes, what is not printable
// ASCII as \xNN.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace migscope::captures
