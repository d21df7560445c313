// Pieces that several of the JSON results have.
#pragma once

#include "analyzer/analysis.h"
#include "qmp/json.h"

namespace migscope::tools {

template <typename T, typename Render>
qmp::Json list(const std::vector<T>& items, Render render) {
  qmp::Json out = qmp::Json::array();
  for (const T& item : items)
    out.add(render(item));
  return out;
}

[[nodiscard]] qmp::Json input_json(const analyzer::Input& value);

} // namespace migscope::tools
