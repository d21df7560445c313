// The files in assets/ and Chart.js, as embedded by embed-assets.
#pragma once

#include <string_view>

namespace migscope::tools::assets {

struct Asset {
  std::string_view text;
  std::string_view csp_hash; // 'sha256-...', as a Content-Security-Policy names
                             // an inline script or style
};

extern const Asset page;   // HTML with places {{NAME}}
extern const Asset style;  // CSS
extern const Asset theme;  // the script that runs before the page is shown
extern const Asset chart;  // Chart.js
extern const Asset script; // draws the charts

} // namespace migscope::tools::assets
