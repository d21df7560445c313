#include "tests/captures/stream/event_log.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <regex>

namespace migscope::test {
namespace {

using namespace captures;

std::string optional_text(const std::optional<uint64_t>& value) {
  return value ? fmt::format("{:#x}", *value) : "-";
}

std::string_view kind_text(SectionKind kind) {
  constexpr std::string_view kNames[] = {"", "start", "part", "end", "full"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view kind_text(PageKind kind) {
  constexpr std::string_view kNames[] = {"zero", "normal", "xbzrle",
                                         "compressed"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view kind_text(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::malformed:
    return "malformed";
  case ErrorKind::truncated:
    return "truncated";
  case ErrorKind::unsupported:
    return "unsupported";
  case ErrorKind::usage:
    return "usage";
  default:
    return "other";
  }
}

Outcome outcome_of(EventLog log, const Status& status, uint64_t position) {
  Outcome out{std::move(log.lines), {}, position};
  if (!status)
    out.error = fmt::format("{} {}", kind_text(status.error().kind),
                            describe(status.error()));
  return out;
}

} // namespace

uint64_t digest(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (std::byte b : bytes)
    hash = (hash ^ std::to_integer<uint64_t>(b)) * 0x100000001b3;
  return hash;
}

void EventLog::on_header(uint32_t version) {
  lines.push_back(fmt::format("header {}", version));
}

void EventLog::on_configuration(const Configuration& value) {
  lines.push_back(
      fmt::format("configuration {} bits {} capabilities {} uuid {}",
                  value.machine, optional_text(value.target_page_bits),
                  value.capabilities, value.uuid.value_or("-")));
}

void EventLog::on_section_begin(const SectionHeader& header) {
  lines.push_back(fmt::format("{} {} {} instance {} version {} at {:#x}",
                              kind_text(header.kind), header.id, header.idstr,
                              header.instance_id, header.version_id,
                              header.offset));
}

void EventLog::on_device_body(const SectionHeader& header,
                              std::span<const std::byte> body) {
  lines.push_back(fmt::format("body {} {} bytes {:x}", header.id, body.size(),
                              digest(body)));
}

void EventLog::on_section_end(const SectionHeader& header,
                              const SectionEnd& end) {
  constexpr std::string_view kExtents[] = {"parsed", "description",
                                           "footer_scan"};
  lines.push_back(fmt::format("section_end {} at {:#x} body {} {}", header.id,
                              end.end, end.body_bytes,
                              kExtents[static_cast<size_t>(end.extent)]));
}

void EventLog::on_ram_blocks(std::span<const RamBlock> blocks, uint32_t) {
  for (const RamBlock& block : blocks) {
    std::string line = fmt::format(
        "block {} {:#x} page_size {} mr_addr {}", block.name, block.used_length,
        optional_text(block.page_size), optional_text(block.mr_addr));
    if (block.mapped)
      line +=
          fmt::format(" bitmap {:#x} pages {:#x}", block.mapped->bitmap_offset,
                      block.mapped->pages_offset);
    lines.push_back(line);
  }
}

void EventLog::on_pages(std::span<const PageItem> pages) {
  for (const PageItem& page : pages)
    lines.push_back(fmt::format("{} page {:#x} of {} at {:#x}, {} wire bytes, "
                                "{} content {:x}",
                                kind_text(page.kind), page.address, page.block,
                                page.offset, page.wire_bytes,
                                page.content.size(), digest(page.content)));
}

void EventLog::on_multifd_flush(uint64_t offset) {
  lines.push_back(fmt::format("flush at {:#x}", offset));
}

void EventLog::on_command(const CommandItem& item) {
  lines.push_back(fmt::format("command {} at {:#x} payload {} {:x}",
                              item.command, item.offset, item.payload.size(),
                              digest(item.payload)));
}

void EventLog::on_package_begin(uint64_t offset, uint32_t bytes) {
  lines.push_back(fmt::format("package at {:#x}, {} bytes", offset, bytes));
}

void EventLog::on_package_end(uint64_t offset) {
  lines.push_back(fmt::format("package_end at {:#x}", offset));
}

void EventLog::on_eof(uint64_t offset) {
  lines.push_back(fmt::format("eof at {:#x}", offset));
}

void EventLog::on_description(std::string_view json, uint64_t offset) {
  lines.push_back(fmt::format("description at {:#x}, {} bytes {:x}", offset,
                              json.size(),
                              digest(std::as_bytes(std::span(json)))));
}

void EventLog::on_damage(const Damage& damage) {
  lines.push_back(fmt::format("damage {} {}; resumed {:#x}",
                              kind_text(damage.error.kind),
                              describe(damage.error), damage.resumed));
}

void EventLog::on_problem(uint64_t offset, std::string_view message) {
  lines.push_back(fmt::format("problem at {:#x}: {}", offset, message));
}

size_t EventLog::count(std::string_view start) const {
  return lines_of(start).size();
}

std::vector<std::string> EventLog::lines_of(std::string_view start) const {
  std::vector<std::string> out;
  std::ranges::copy_if(
      lines, std::back_inserter(out),
      [&](const std::string& line) { return line.starts_with(start); });
  return out;
}

std::string Outcome::broken() const {
  constexpr std::string_view kDamage = "damage ";
  std::string out = error;
  for (const std::string& line : lines)
    if (out.empty() && line.starts_with(kDamage))
      out =
          line.substr(kDamage.size(), line.rfind("; resumed") - kDamage.size());
  return std::regex_replace(
      out, std::regex(": in [A-Z]+ of section [^:]* from 0x[0-9a-f]+: "), ": ");
}

Outcome decode(std::span<const std::byte> bytes, DecoderOptions options,
               const std::vector<size_t>& cuts) {
  EventLog log;
  StreamDecoder decoder(log, std::move(options));
  Status status;
  size_t at = 0;
  auto feed_to = [&](size_t end) {
    // A copy of exactly that size lets the address sanitizer see overruns.
    std::vector<std::byte> piece(bytes.begin() + at, bytes.begin() + end);
    if (status)
      status = decoder.feed(piece);
    at = end;
  };
  for (size_t cut : cuts)
    feed_to(cut);
  feed_to(bytes.size());
  if (status)
    status = decoder.finish();
  return outcome_of(std::move(log), status, decoder.position());
}

Outcome decode_by_bytes(std::span<const std::byte> bytes,
                        DecoderOptions options) {
  EventLog log;
  StreamDecoder decoder(log, std::move(options));
  Status status;
  for (size_t i = 0; i < bytes.size() && status; ++i) {
    std::vector<std::byte> piece(1, bytes[i]);
    status = decoder.feed(piece);
  }
  if (status)
    status = decoder.finish();
  return outcome_of(std::move(log), status, decoder.position());
}

} // namespace migscope::test
