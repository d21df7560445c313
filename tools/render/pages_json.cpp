#include "tools/render/pages_json.h"

#include "tools/render/json_parts.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

Json send_count(const SendCount& value) {
  return Json::object()
      .set("from", value.from)
      .set("to", value.to)
      .set("pages", value.pages);
}

Json last_sent(const LastSent& value) {
  return Json::object().set("round", value.round).set("pages", value.pages);
}

Json contents(const std::optional<Contents>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("pages", value->pages)
      .set("distinct", value->distinct)
      .set("distinct_error", value->error);
}

Json hot_region(const HotRegion& value) {
  return Json::object()
      .set("block", Json::text(value.block))
      .set("address", value.address)
      .set("guest_address", value.guest_address)
      .set("bytes", value.bytes)
      .set("sent_pages", value.sent_pages)
      .set("resent_pages", value.resent_pages)
      .set("hot_pages", value.hot_pages)
      .set("stop_copy_pages", value.stop_copy_pages)
      .set("stop_copy_resent_pages", value.stop_copy_resent_pages);
}

Json hot_regions(const HotRegions& value) {
  return Json::object()
      .set("unit_bytes", value.unit_bytes)
      .set("regions", list(value.regions, hot_region))
      .set("more_regions", value.more_regions)
      .set("more_resent_pages", value.more_resent_pages);
}

Json working_set(const WorkingSet& value) {
  return Json::object()
      .set("rounds", value.rounds)
      .set("windows", value.windows)
      .set("mean_pages", value.mean_pages)
      .set("max_pages", value.max_pages)
      .set("mean_ms", value.mean_ms);
}

Json stop_copy_region(const StopCopyRegion& value) {
  return Json::object()
      .set("block", Json::text(value.block))
      .set("address", value.address)
      .set("guest_address", value.guest_address)
      .set("bytes", value.bytes)
      .set("pages", value.pages)
      .set("wire_bytes", value.wire_bytes)
      .set("ms", value.ms);
}

Json stop_copy(const std::optional<StopCopyPages>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("first_time_pages", value->first_time_pages)
      .set("last_sent", list(value->last_sent, last_sent))
      .set("send_counts", list(value->send_counts, send_count))
      .set("regions", list(value->regions, stop_copy_region))
      .set("more_regions", value->more_regions)
      .set("more_wire_bytes", value->more_wire_bytes);
}

Json owner_cost(const OwnerCost& value) {
  return Json::object()
      .set("name", Json::text(value.name))
      .set("pages", value.pages)
      .set("resent_pages", value.resent_pages)
      .set("hot_pages", value.hot_pages)
      .set("stop_copy_pages", value.stop_copy_pages)
      .set("stop_copy_bytes", value.stop_copy_bytes);
}

Json owner_ranking(const OwnerRanking& value) {
  return Json::object()
      .set("column", Json::text(value.column))
      .set("owners", list(value.owners, owner_cost))
      .set("more_owners", value.more_owners)
      .set("more", owner_cost(value.more))
      .set("unowned", owner_cost(value.unowned));
}

} // namespace

Json pages_json(const PageReport& value) {
  return Json::object()
      .set("sent_pages", value.sent_pages)
      .set("never_sent_pages", value.never_sent_pages)
      .set("zero_pages", value.zero_pages)
      .set("send_counts", list(value.send_counts, send_count))
      .set("hot_regions", list(value.hot_regions, hot_regions))
      .set("contents", contents(value.contents))
      .set("working_sets", list(value.working_sets, working_set))
      .set("resending_rounds", value.resending_rounds)
      .set("always_resent_pages", value.always_resent_pages)
      .set("stop_copy", stop_copy(value.stop_copy))
      .set("owners", list(value.owners, owner_ranking));
}

} // namespace migscope::tools
