#include "analyzer/study/toml_guard.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

constexpr size_t kMostText = 1u << 20;
constexpr size_t kMostDots = 100, kDeepest = 16;

// toml++ has vertical tabs and form feeds as ends of a line that are an error.
bool is_break(char c) {
  return c >= '\n' && c <= '\r';
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_known(char c) {
  return is_bare(c) ||
         std::string_view(" \t\r\n+.,=[]{}").find(c) != std::string_view::npos;
}

class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // What is wrong, or nothing.
  [[nodiscard]] std::string run() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '"' || c == '\'')
        skip_string(c);
      else if (c == '#')
        skip_comment();
      else if (auto wrong = plain(c); !wrong.empty())
        return wrong;
    }
    return {};
  }

  [[nodiscard]] size_t line() const {
    return 1 +
           static_cast<size_t>(std::ranges::count(text_.substr(0, at_), '\n'));
  }

private:
  // One character outside strings and comments.
  std::string plain(char c) {
    if (!is_known(c))
      return "expected letters, digits and _-+.,=[]{} outside strings and "
             "comments";
    if (c == '[' && starts_line_ && open_.empty() && !has_key())
      return "expected a key behind [";
    if (c == '.' && ++dots_ > kMostDots)
      return fmt::format("expected at most {} dots", kMostDots);
    if (c == '-' && is_date())
      return "expected no dates";
    if (auto wrong = bracket(c); !wrong.empty())
      return wrong;
    if (is_break(c))
      dots_ = 0;
    starts_line_ = is_break(c) || (starts_line_ && (c == ' ' || c == '\t'));
    ++at_;
    return {};
  }

  std::string bracket(char c) {
    if (c == '[' || c == '{') {
      if (open_.size() == kDeepest)
        return fmt::format("expected at most {} brackets in each other",
                           kDeepest);
      open_ += c == '[' ? ']' : '}';
    } else if (c == ']' || c == '}') {
      if (open_.empty() || open_.back() != c)
        return fmt::format("expected no {} here: it closes nothing", c);
      open_.pop_back();
    }
    return {};
  }

  // A minus between two digits; that of an exponent has an e before it.
  [[nodiscard]] bool is_date() const {
    return at_ > 0 && at_ + 1 < text_.size() && is_digit(text_[at_ - 1]) &&
           is_digit(text_[at_ + 1]);
  }

  // Of the header that begins here.
  [[nodiscard]] bool has_key() const {
    size_t i = text_.find_first_not_of(" \t", at_ + 1);
    if (i != text_.npos && text_[i] == '[')
      i = text_.find_first_not_of(" \t", i + 1);
    return i != text_.npos &&
           (is_bare(text_[i]) || text_[i] == '"' || text_[i] == '\'');
  }

  void skip_comment() {
    while (at_ < text_.size() && !is_break(text_[at_]))
      ++at_;
  }

  // Up to behind its end; a string of one line ends with the line at the
  // latest.
  void skip_string(char quote) {
    starts_line_ = false;
    std::string three(3, quote);
    bool many = text_.substr(at_, 3) == three;
    at_ += many ? 3 : 1;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (many ? text_.substr(at_, 3) == three : c == quote || is_break(c))
        break;
      at_ += c == '\\' && quote == '"' ? 2 : 1;
    }
    at_ = std::min(text_.size(), at_);
    if (many) // one or two quotes more are the end of what is quoted
      at_ = std::min(text_.find_first_not_of(quote, at_), at_ + 5);
    else if (at_ < text_.size() && text_[at_] == quote)
      ++at_;
    at_ = std::min(text_.size(), at_);
  }

  std::string_view text_;
  size_t at_ = 0, dots_ = 0; // dots of the line
  bool starts_line_ = true;
  std::string open_; // what closes the brackets that are open
};

} // namespace

Status guard_toml(std::string_view text, const std::string& file) {
  if (text.size() > kMostText)
    return fail(Error{ErrorKind::malformed,
                      fmt::format("expected at most {} bytes, found {}",
                                  kMostText, text.size()),
                      file,
                      {}});
  Scanner scanner(text);
  std::string wrong = scanner.run();
  if (wrong.empty())
    return {};
  return fail(Error{ErrorKind::malformed,
                    fmt::format("line {}: {}", scanner.line(), wrong),
                    file,
                    {}});
}

} // namespace migscope::analyzer
