#include "tools/report/escape.h"

#include <cstdint>
#include <fmt/format.h>
#include <optional>

namespace migscope::tools {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";    // U+2026

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;
};

// The character that `text` begins with; nothing where it is not well-formed
// (The Unicode Standard, table 3-7).
std::optional<Character> decode(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = at(0);
  if (lead < 0x80)
    return Character{lead, 1};
  size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
    return {};
  uint32_t code = lead & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0) != 0x80)
      return {};
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr uint32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kFirst[bytes] || code > 0x10ffff || surrogate)
    return {};
  return Character{code, bytes};
}

bool is_shown(uint32_t code) {
  bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  bool separator = code == 0x2028 || code == 0x2029;
  // Marks, embeddings, overrides and isolates.
  bool turns = code == 0x061c || code == 0x200e || code == 0x200f ||
               (code >= 0x202a && code <= 0x202e) ||
               (code >= 0x2066 && code <= 0x2069);
  bool no_character = (code & 0xfffe) == 0xfffe;
  return !control && !separator && !turns && !no_character;
}

} // namespace

std::string clean(std::string_view text, size_t most) {
  std::string out;
  while (!text.empty()) {
    auto character = decode(text);
    size_t bytes = character ? character->bytes : 1;
    bool shown = character && is_shown(character->code);
    std::string_view piece = shown ? text.substr(0, bytes) : kReplacement;
    if (out.size() + piece.size() > most)
      return out + std::string(kEllipsis);
    out += piece;
    text.remove_prefix(bytes);
  }
  return out;
}

std::string html(std::string_view text, size_t most) {
  std::string out;
  for (char c : clean(text, most))
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  return out;
}

std::string for_script(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    std::string_view rest = json.substr(i);
    if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
      out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (json[i] == '<' || json[i] == '>' || json[i] == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(json[i]));
    } else {
      out += json[i];
    }
  }
  return out;
}

} // namespace migscope::tools
