#include "tools/render/json_text.h"

namespace migscope::tools {

qmp::Json json_text(const std::string& value) {
  if (qmp::Json::parse(qmp::Json::of(value).dump()))
    return qmp::Json::of(value);
  std::string ascii = value;
  for (char& c : ascii)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  return qmp::Json::of(ascii);
}

} // namespace migscope::tools
