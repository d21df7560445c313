#include "tools/render/json_parts.h"
#include "tools/render/what_if.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

Json cache(const XbzrleCache& value) {
  return Json::object()
      .set("cache_bytes", value.cache_bytes)
      .set("hits", value.hits)
      .set("misses", value.misses)
      .set("unchanged", value.unchanged)
      .set("overflows", value.overflows)
      .set("encoded_bytes", value.encoded_bytes)
      .set("ram_bytes", value.ram_bytes);
}

Json xbzrle(const std::optional<XbzrleSavings>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("caches", list(value->caches, cache))
      .set("unreadable", value->unreadable);
}

Json packed(const PackedSavings& value) {
  return Json::object()
      .set("method", value.method)
      .set("level", static_cast<uint64_t>(value.level))
      .set("pages", value.pages)
      .set("sampled_pages", value.sampled_pages)
      .set("ratio", value.ratio)
      .set("ratio_error", value.ratio_error)
      .set("cpu_us_per_page", value.cpu_us_per_page)
      .set("cpu_us_error", value.cpu_us_error)
      .set("ram_bytes", value.ram_bytes)
      .set("ram_bytes_error", value.ram_bytes_error);
}

Json unchanged(const UnchangedSends& value) {
  return Json::object()
      .set("pages", value.pages)
      .set("bytes", value.bytes)
      .set("zero_pages", value.zero_pages)
      .set("zero_bytes", value.zero_bytes);
}

} // namespace

Json what_if_json(const std::optional<WhatIf>& found) {
  if (!found)
    return {};
  return Json::object()
      .set("ram_bytes", found->ram_bytes)
      .set("unchanged", unchanged(found->unchanged))
      .set("xbzrle", xbzrle(found->xbzrle))
      .set("no_xbzrle", found->no_xbzrle)
      .set("multifd", list(found->multifd, packed));
}

} // namespace migscope::tools
