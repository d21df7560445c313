// Texts from streams, monitors and sessions are hostile: nothing gets into a
// report but through these.
#pragma once

#include <string>
#include <string_view>

namespace migscope::tools {

// Well-formed UTF-8 without control characters and without those that turn the
// direction of text; each of these becomes U+FFFD. What is longer than `most`
// bytes is cut, with an ellipsis.
[[nodiscard]] std::string clean(std::string_view text, size_t most = 2000);

// As text of an element and as value of a quoted attribute; cleaned.
[[nodiscard]] std::string html(std::string_view text, size_t most = 2000);

// JSON for a <script> element: nothing in it ends the element or begins a
// comment there, and no line separator stands in it.
[[nodiscard]] std::string for_script(std::string_view json);

} // namespace migscope::tools
