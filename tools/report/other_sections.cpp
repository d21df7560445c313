#include "base/counted.h"
#include "tools/render/text_layout.h"
#include "tools/report/cells.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

DataTable latencies_table(const PageRequests& pages) {
  DataTable out{"From a request to its page",
                {{"channel", false},
                 {"pages"},
                 {"p50 ms"},
                 {"p90 ms"},
                 {"p99 ms"},
                 {"max ms"}},
                {}};
  for (const ChannelLatencies& channel : pages.by_channel)
    out.rows.push_back({word(channel.channel), count(channel.latencies.count),
                        decimal(channel.latencies.p50_ms, 2),
                        decimal(channel.latencies.p90_ms, 2),
                        decimal(channel.latencies.p99_ms, 2),
                        decimal(channel.latencies.max_ms, 2)});
  return out;
}

DataTable buckets_table(const Latencies& latencies) {
  DataTable out{"How long they took", {{"pages"}, {"ms", false}}, {}};
  uint64_t most = 0;
  for (uint64_t pages : latencies.buckets)
    most = std::max(most, pages);
  for (size_t i = 0; i < latencies.buckets.size() && i < 64; ++i) {
    double from = static_cast<double>(uint64_t{1} << i) / 1e3;
    auto pages = static_cast<double>(latencies.buckets[i]);
    if (latencies.buckets[i] > 0)
      out.rows.push_back(
          {bar(count(latencies.buckets[i]), pages, static_cast<double>(most)),
           word(fmt::format("{:g} to {:g}", i == 0 ? 0 : from, 2 * from))});
  }
  return out;
}

Cell with_error(std::optional<double> value, std::optional<double> error,
                int digits) {
  return {figure(value, digits) + " ± " + figure(error, digits)};
}

std::optional<double> in_mib(std::optional<uint64_t> bytes) {
  return bytes ? std::optional(static_cast<double>(*bytes) / (1 << 20))
               : std::nullopt;
}

// With a bar of what would have been sent of what was.
Cell remaining(const WhatIf& found, uint64_t ram_bytes) {
  auto all = static_cast<double>(found.ram_bytes);
  auto rest = static_cast<double>(ram_bytes);
  return bar(mib(ram_bytes), rest, all);
}

Cell saved(const WhatIf& found, uint64_t ram_bytes) {
  if (found.ram_bytes == 0)
    return word("?");
  double share =
      static_cast<double>(ram_bytes) / static_cast<double>(found.ram_bytes);
  return {fmt::format("{:.1f} %", 100 - 100 * share)};
}

DataTable xbzrle_table(const WhatIf& found) {
  DataTable out{"xbzrle, by size of its cache",
                {{"cache MiB"},
                 {"hits"},
                 {"misses"},
                 {"unchanged"},
                 {"overflows"},
                 {"encoded MiB"},
                 {"RAM MiB"},
                 {"saved"}},
                {}};
  if (!found.xbzrle) {
    out.note = found.no_xbzrle;
    return out;
  }
  for (const XbzrleCache& cache : found.xbzrle->caches)
    out.rows.push_back({count(cache.cache_bytes >> 20), count(cache.hits),
                        count(cache.misses), count(cache.unchanged),
                        count(cache.overflows), mib(cache.encoded_bytes),
                        remaining(found, cache.ram_bytes),
                        saved(found, cache.ram_bytes)});
  if (found.xbzrle->unreadable > 0)
    out.note = fmt::format("{} re-sent pages could not be read and count as "
                           "sent whole.",
                           found.xbzrle->unreadable);
  return out;
}

DataTable multifd_table(const WhatIf& found) {
  DataTable out{"multifd with compression",
                {{"method", false},
                 {"pages tried"},
                 {"ratio"},
                 {"µs a page"},
                 {"RAM MiB"},
                 {"± MiB"},
                 {"saved"}},
                {}};
  for (const PackedSavings& packed : found.multifd)
    out.rows.push_back(
        {word(fmt::format("{} {}", packed.method, packed.level)),
         word(fmt::format("{} of {}", packed.sampled_pages, packed.pages)),
         with_error(packed.ratio, packed.ratio_error, 2),
         with_error(packed.cpu_us_per_page, packed.cpu_us_error, 1),
         remaining(found, packed.ram_bytes),
         decimal(in_mib(packed.ram_bytes_error)),
         saved(found, packed.ram_bytes)});
  out.note = "An error is two standard errors of the sample; CPU time is the "
             "compressor's own on the analysing host.";
  return out;
}

std::string clock_text(const std::optional<HostClock>& clock) {
  if (!clock)
    return "no monitor was attached";
  if (clock->local)
    return "this host's: events stand at their own stamps";
  if (!clock->offset_low_ms || !clock->offset_high_ms)
    return "not known: its events are taken as they arrived" +
           (clock->contradiction.empty() ? "" : "; " + clock->contradiction);
  return fmt::format("{:+.1f} to {:+.1f} ms against ours at {} ({}; {})",
                     *clock->offset_low_ms, *clock->offset_high_ms, clock->at,
                     clock->low_evidence, clock->high_evidence);
}

std::string boundaries_text(const std::vector<Round>& rounds) {
  std::string out;
  for (Boundary how : {Boundary::exact, Boundary::trace, Boundary::event,
                       Boundary::sampled, Boundary::inferred})
    if (auto number = std::ranges::count(rounds, how, &Round::boundary))
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", number,
                         to_string(how));
  return out.empty() ? "no rounds are told" : out;
}

std::string counter_text(const Ram& ram) {
  const RamTotals& totals = ram.totals;
  return fmt::format("normal {} here, {} by QEMU; zero {} here, {} by QEMU",
                     totals.normal, figure(ram.qemu.normal), totals.zero,
                     figure(ram.qemu.duplicate));
}

} // namespace

Section postcopy_section(const Analysis& analysis) {
  Section out{"postcopy", "Page requests", "", "", {}, {}};
  if (!analysis.postcopy)
    return out;
  const PageRequests& pages = *analysis.postcopy;
  out.lead = fmt::format(
      "{} asked for by the destination and {} of these requests answered; {} "
      "came unasked.",
      counted(pages.requests, "page was", "pages were"), pages.answered,
      counted(pages.pages_unasked, "page"));
  if (pages.unanswered > 0)
    out.lead += fmt::format(" {} not answered: {}.",
                            pages.unanswered == 1
                                ? "One was"
                                : fmt::format("{} were", pages.unanswered),
                            pages.unanswered_reason);
  if (!pages.by_channel.empty())
    out.tables.push_back(latencies_table(pages));
  if (pages.latencies.count > 0)
    out.tables.push_back(buckets_table(pages.latencies));
  return out;
}

Section findings_section(const Analysis& analysis) {
  Section out{"findings", "Findings", "", "", {}, {}};
  for (const Finding& finding : analysis.findings)
    out.findings.push_back(
        {to_string(finding.severity),
         finding.id == "rounds" ? "rounds " + finding.text : finding.text,
         finding.evidence});
  // Else as the analysis has them: in the order in which one thing explains
  // another.
  std::ranges::stable_sort(out.findings, {}, [](const FindingText& finding) {
    return finding.severity == to_string(Severity::info);
  });
  return out;
}

Section what_if_section(const Analysis& analysis) {
  Section out{"what-if", "What if", "", "", {}, {}};
  if (!analysis.what_if)
    return out;
  const WhatIf& found = *analysis.what_if;
  out.lead = fmt::format(
      "What other settings would have made of the pages that were sent, {} of "
      "RAM, measured on their content. Sent although unchanged: {} ({}) and "
      "{}.",
      format_bytes(found.ram_bytes), counted(found.unchanged.pages, "page"),
      format_bytes(found.unchanged.bytes),
      counted(found.unchanged.zero_pages, "zero page"));
  out.tables.push_back(xbzrle_table(found));
  if (!found.multifd.empty())
    out.tables.push_back(multifd_table(found));
  return out;
}

Section problems_section(const Analysis& analysis, size_t most_rows) {
  Section out{"problems", "Problems of the input", "", "", {}, {}};
  const auto& problems = analysis.input.problems;
  if (problems.empty()) {
    out.lead = "None: the input is complete and could be read.";
    return out;
  }
  if (!analysis.input.complete)
    out.lead = "The input is incomplete or damaged: figures are of what could "
               "be read.";
  DataTable table{"",
                  {{"severity", false},
                   {"where", false},
                   {"offset"},
                   {"what", false, true}},
                  {}};
  for (const Problem& problem : problems)
    table.rows.push_back({word(to_string(problem.severity)),
                          word(problem.channel),
                          problem.offset ? address(problem.offset) : word(""),
                          word(problem.message)});
  table.rows = some_rows(std::move(table.rows), most_rows);
  out.tables.push_back(std::move(table));
  return out;
}

Section evidence_section(const Analysis& analysis) {
  Section out{"evidence",
              "How each number is known",
              "\"?\" is unknown, never zero. docs/figures.md tells what each "
              "figure counts.",
              "",
              {},
              {}};
  DataTable table{"Figures and their sources",
                  {{"what", false}, {"known by", false, true}},
                  {}};
  auto add = [&](const char* what, std::string how) {
    table.rows.push_back({word(what), word(std::move(how))});
  };
  const Downtime& downtime = analysis.downtime;
  add("downtime",
      !downtime.total_ms         ? "not known: it needs STOP and RESUME"
      : !downtime.clock_error_ms ? "arrivals of STOP and RESUME here"
      : *downtime.clock_error_ms > 0
          ? fmt::format("stamps of STOP and RESUME, ± {} by the hosts' clocks",
                        format_ms(*downtime.clock_error_ms))
          : "stamps of STOP and RESUME by one clock");
  add("pieces of the pause", "the marks in their table, end to end; what no "
                             "mark bounds is unexplained");
  add("source's clock", clock_text(analysis.clocks.source));
  add("destination's clock", clock_text(analysis.clocks.destination));
  add("beginnings of rounds", boundaries_text(analysis.rounds));
  if (analysis.ram) {
    add("pages", analysis.ram->without_zero_pages
                     ? "page by page from the file, which holds no zero pages"
                     : "page by page from the stream");
    add("pages against QEMU's counters", counter_text(*analysis.ram));
    add("unchanged content", analysis.ram->totals.same_content_resends
                                 ? "XXH3 of 64 bits of every page"
                                 : "not known: contents were not read");
  }
  add("rates, what was left, expected downtime",
      counted(analysis.time_series.samples.size(), "reply", "replies") +
          " to query-migrate, as QEMU gives them");
  add("curves in this report",
      "of each 1/500 of the time the first, smallest, largest and last sample");
  out.tables.push_back(std::move(table));
  return out;
}

} // namespace migscope::tools
