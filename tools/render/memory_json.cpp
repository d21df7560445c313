#include "tools/render/json_parts.h"
#include "tools/render/memory.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

// 64 bits do not survive every JSON reader as a number.
Json digest(const std::optional<uint64_t>& value) {
  return value ? Json::of(fmt::format("{:016x}", *value)) : Json();
}

Json block(const BlockReport& value) {
  return Json::object()
      .set("name", Json::text(value.name))
      .set("bytes", value.bytes)
      .set("pages", value.held.pages)
      .set("zero_pages", value.held.zero)
      .set("data_pages", value.held.data)
      .set("unknown_pages", value.held.unknown)
      .set("never_sent_pages", value.held.never_sent)
      .set("perhaps_stale_pages", value.held.perhaps_stale)
      .set("shared", value.shared)
      .set("digest", digest(value.digest));
}

Json layout(const MemoryReport& report) {
  return list(report.layout.pieces, [&](const LayoutPiece& piece) {
    return Json::object()
        .set("address", piece.address)
        .set("bytes", piece.bytes)
        .set("block", Json::text(report.block_list[piece.block].name))
        .set("offset", piece.offset);
  });
}

Json unread(const UnreadSends& value) {
  return Json::object()
      .set("without_base", value.without_base)
      .set("unread", value.unread)
      .set("broken", value.broken);
}

const char* kind(const PageSend& send) {
  if (!send.kind)
    return "discard";
  switch (*send.kind) {
  case captures::PageKind::zero:
    return "zero";
  case captures::PageKind::normal:
    return "normal";
  case captures::PageKind::xbzrle:
    return "xbzrle";
  case captures::PageKind::compressed:
    return "compressed";
  }
  return "";
}

Json text_list(const std::vector<std::string>& items) {
  return list(items, [](const std::string& item) { return Json::text(item); });
}

} // namespace

Json render_json(const MemoryReport& report) {
  return Json::object()
      .set("schema", "migscope/memory-1")
      .set("input", input_json(report.input))
      .set("complete", report.complete())
      .set("round", report.round)
      .set("machine",
           report.machine.empty() ? Json() : Json::text(report.machine))
      .set("page_size", report.page_size)
      .set("blocks", list(report.blocks, block))
      .set("layout", layout(report))
      .set("unread_sends", unread(report.unread))
      .set("cpus", static_cast<uint64_t>(report.cpus))
      .set("notes", text_list(report.notes))
      .set("layout_notes", text_list(report.layout.notes));
}

Json render_json(const HistoryReport& report) {
  Json sends = Json::array();
  for (size_t i = 0; i < report.sends.size(); ++i) {
    const PageSend& send = report.sends[i];
    sends.add(Json::object()
                  .set("channel", static_cast<uint64_t>(send.channel))
                  .set("offset", send.offset)
                  .set("section", send.section)
                  .set("round", report.rounds[i])
                  .set("kind", kind(send))
                  .set("wire_bytes", send.wire_bytes)
                  .set("digest", digest(send.digest))
                  .set("changed_bytes", send.changed_bytes));
  }
  return Json::object()
      .set("schema", "migscope/page-1")
      .set("input", input_json(report.input))
      .set("block", Json::text(report.block))
      .set("offset", report.address)
      .set("guest_address", report.guest_address)
      .set("sends", sends)
      .set("sends_not_kept", report.not_kept);
}

} // namespace migscope::tools
