#include "tools/render/json_parts.h"

namespace migscope::tools {

using qmp::Json;

namespace {

Json problem(const analyzer::Problem& value) {
  return Json::object()
      .set("severity", to_string(value.severity))
      .set("channel", Json::text(value.channel))
      .set("offset", value.offset)
      .set("message", Json::text(value.message));
}

} // namespace

Json input_json(const analyzer::Input& value) {
  return Json::object()
      .set("path", Json::text(value.path))
      .set("kind", Json::text(value.kind))
      .set("channels", value.channels)
      .set("bytes", value.bytes)
      .set("complete", value.complete)
      .set("problems", list(value.problems, problem));
}

} // namespace migscope::tools
