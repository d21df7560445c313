#include "qmp/json_syntax.h"

#include "qmp/json.h"

#include <charconv>
#include <cstdint>

namespace migscope::qmp {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Looks at most one byte past what it takes, and never past the end.
class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<JsonFault> run() {
    while (at_ < text_.size() && !fault_)
      token();
    return fault_;
  }

private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void fault(size_t offset, std::string message) {
    fault_ = JsonFault{offset, std::move(message)};
  }

  void token() {
    char c = text_[at_];
    if (c == '"')
      string();
    else if (c == '-' || is_digit(c))
      number();
    else if (c == 'N' || c == 'I' || c == '\0' || (c & 0x80))
      fault(at_, "expected a JSON value");
    else
      structure(c);
  }

  void structure(char c) {
    if (c == '[' || c == '{')
      ++depth_;
    else if (c == ']' || c == '}')
      --depth_;
    if (depth_ > kMaxJsonDepth)
      return fault(at_, "nested too deeply");
    ++at_;
  }

  void string() {
    size_t start = at_++;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        return;
      }
      if (c == '\\' && ++at_ == text_.size())
        break;
      if (static_cast<unsigned char>(text_[at_]) < 0x20)
        return fault(at_, "a bare control character in a string");
      if ((text_[at_] & 0x80) && !utf8_sequence())
        return fault(at_, "a string is not UTF-8");
    }
    fault(start, "a string without end");
  }

  // Steps onto the last byte of a sequence of two to four (RFC 3629: neither
  // overlong nor a surrogate nor above U+10FFFF).
  bool utf8_sequence() {
    auto byte = [&](size_t i) -> unsigned {
      return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i])
                                    : 0u;
    };
    unsigned lead = byte(0), low = 0x80, high = 0xbf;
    size_t more = lead >= 0xc2 && lead <= 0xdf   ? 1
                  : lead >= 0xe0 && lead <= 0xef ? 2
                  : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                 : 0;
    if (lead == 0xe0)
      low = 0xa0;
    if (lead == 0xed)
      high = 0x9f;
    if (lead == 0xf0)
      low = 0x90;
    if (lead == 0xf4)
      high = 0x8f;
    if (more == 0 || byte(1) < low || byte(1) > high)
      return false;
    for (size_t i = 2; i <= more; ++i)
      if ((byte(i) & 0xc0) != 0x80)
        return false;
    at_ += more;
    return true;
  }

  size_t digits() {
    size_t start = at_;
    while (is_digit(peek()))
      ++at_;
    return at_ - start;
  }

  void number() {
    size_t start = at_;
    if (peek() == '-')
      ++at_;
    bool leading_zero = peek() == '0';
    size_t count = digits();
    bool good = count == 1 || (count > 1 && !leading_zero);
    bool integer = true;
    if (good && peek() == '.') {
      ++at_;
      integer = false;
      good = digits() > 0;
    }
    if (good && (peek() | 0x20) == 'e') {
      ++at_;
      integer = false;
      if (peek() == '+' || peek() == '-')
        ++at_;
      good = digits() > 0;
    }
    if (!good)
      fault(start, "this is not how JSON writes a number");
    else if (integer && !fits(text_.substr(start, at_ - start)))
      fault(start, "an integer beyond 64 bits");
  }

  static bool fits(std::string_view digits) {
    const char* end = digits.data() + digits.size();
    int64_t negative;
    uint64_t positive;
    auto result = digits.front() == '-'
                      ? std::from_chars(digits.data(), end, negative)
                      : std::from_chars(digits.data(), end, positive);
    return result.ec == std::errc();
  }

  std::string_view text_;
  size_t at_ = 0;
  int64_t depth_ = 0;
  std::optional<JsonFault> fault_;
};

} // namespace

std::optional<JsonFault> find_json_fault(std::string_view text) {
  return Scanner(text).run();
}

} // namespace migscope::qmp
