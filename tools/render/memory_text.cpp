#include "tools/render/memory.h"
#include "tools/render/text.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kIndent = 2;
constexpr size_t kMostSends = 200;

std::string headline(const MemoryReport& report) {
  std::string text =
      report.round ? fmt::format("memory at the end of round {}", *report.round)
                   : "memory at the end of the stream";
  if (!report.complete())
    text += " (incomplete)";
  if (!report.machine.empty())
    text += ", " + report.machine;
  if (report.page_size)
    text += fmt::format(", pages of {} bytes", report.page_size);
  return wrap(text, kIndent);
}

std::string blocks_table(const std::vector<BlockReport>& blocks) {
  if (blocks.empty())
    return "\nno RAM block\n";
  std::vector<Row> rows{
      {"pages", "zero", "data", "unknown", "digest", "block"}};
  for (const BlockReport& block : blocks)
    rows.push_back(
        {fmt::format("{}", block.held.pages),
         fmt::format("{}", block.held.zero), fmt::format("{}", block.held.data),
         block.shared ? "shared" : fmt::format("{}", block.held.unknown),
         block.digest ? fmt::format("{:016x}", *block.digest) : "?",
         block.name});
  return "\n" + table(rows);
}

std::string layout_table(const MemoryReport& report) {
  if (report.layout.pieces.empty())
    return "";
  std::vector<Row> rows{{"guest-physical", "bytes", "offset", "block"}};
  for (const LayoutPiece& piece : report.layout.pieces)
    rows.push_back({fmt::format("{:#x}", piece.address),
                    fmt::format("{:#x}", piece.bytes),
                    fmt::format("{:#x}", piece.offset),
                    report.block_list[piece.block].name});
  return "\n" + table(rows);
}

std::string notes_list(const std::vector<std::string>& notes) {
  std::string out;
  for (const std::string& note : notes)
    out += wrap("- " + note, kIndent);
  return out.empty() ? "" : "\n" + out;
}

const char* kind(const PageSend& send) {
  if (!send.kind)
    return "discard";
  constexpr const char* kNames[] = {"zero", "normal", "xbzrle", "compressed"};
  return kNames[static_cast<size_t>(*send.kind)];
}

Row send_row(const PageSend& send, std::optional<uint64_t> round) {
  return {figure(round),
          fmt::format("{}", send.channel),
          fmt::format("{:#x}", send.offset),
          kind(send),
          fmt::format("{}", send.wire_bytes),
          figure(send.changed_bytes),
          send.digest ? fmt::format("{:016x}", *send.digest) : "?"};
}

} // namespace

std::string render_text(const MemoryReport& report) {
  return headline(report) + problems_list(report.input.problems) +
         notes_list(report.notes) + blocks_table(report.blocks) +
         layout_table(report) + notes_list(report.layout.notes);
}

std::string render_text(const HistoryReport& report) {
  std::string head =
      fmt::format("page {:#x} of {}", report.address, report.block);
  if (report.guest_address)
    head += fmt::format(", guest-physical {:#x}", *report.guest_address);
  auto discards = static_cast<uint64_t>(std::ranges::count_if(
      report.sends, [](const PageSend& send) { return !send.kind; }));
  uint64_t sends = report.sends.size() - discards + report.not_kept;
  head += sends == 1 ? ": sent once" : fmt::format(": sent {} times", sends);
  if (discards)
    head += fmt::format(", discarded {}", discards);
  std::string out = wrap(head, kIndent);
  out += problems_list(report.input.problems);
  std::vector<Row> rows{{"round", "channel", "offset", "kind", "wire bytes",
                         "changed bytes", "digest"}};
  for (size_t i = 0; i < report.sends.size(); ++i)
    rows.push_back(send_row(report.sends[i], report.rounds[i]));
  if (rows.size() > 1)
    out += "\n" + table(shortened(std::move(rows), kMostSends));
  return out;
}

} // namespace migscope::tools
