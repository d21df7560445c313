// Texts that are part of the program: files of the source tree, embedded at
// build time by tools/embed-texts.
#pragma once

#include <span>
#include <string_view>

namespace migscope {

struct EmbeddedText {
  std::string_view name; // its file's, without folder and ending
  std::string_view text;
};

[[nodiscard]] std::span<const EmbeddedText> campaign_presets();
[[nodiscard]] std::span<const EmbeddedText> category_sets();

} // namespace migscope
