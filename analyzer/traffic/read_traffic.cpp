#include "analyzer/traffic/read_traffic.h"

#include "analyzer/traffic/flow_table.h"
#include "base/counted.h"
#include "captures/packets/packet_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace migscope::analyzer {

using captures::Decoded;
using captures::Packet;
using captures::PacketFile;
using captures::PacketHeaders;

namespace {

using PacketSink =
    std::function<void(const Packet&, Decoded, const PacketHeaders&)>;

// Every packet up to the end, or to the damage that is told.
std::optional<Error> read_packets(PacketFile& file, const PacketSink& sink) {
  PacketHeaders headers;
  for (;;) {
    auto packet = file.next();
    if (!packet)
      return packet.error();
    if (!*packet)
      return std::nullopt;
    Decoded decoded = captures::decode(file.link_type(), (*packet)->bytes,
                                       (*packet)->original_bytes, headers);
    sink(**packet, decoded, headers);
  }
}

Result<RtpFinder> find_rtp(const TrafficOptions& options) {
  auto file = PacketFile::open(options.file, options.filter);
  if (!file)
    return fail(file.error());
  RtpFinder finder;
  // Damage stops the second reading at the same place, and is told then.
  (void)read_packets(
      *file, [&](const Packet&, Decoded decoded, const PacketHeaders& headers) {
        const auto* udp = std::get_if<captures::UdpHeader>(&headers.transport);
        if (decoded == Decoded::whole && udp)
          finder.add(headers, *udp);
      });
  return finder;
}

class Reader {
public:
  Reader(const TrafficOptions& options, const RtpFinder& finder)
      : options_(options), table_(finder, options.rtp_clock) {
    out_.file = options.file;
    out_.filter = options.filter;
    out_.rtp_clock = options.rtp_clock;
  }

  void take(const Packet& packet, Decoded decoded,
            const PacketHeaders& headers) {
    if (out_.packets++ == 0)
      first_ = last_ = packet.time;
    backwards_ += packet.time < last_;
    first_ = std::min(first_, packet.time);
    last_ = std::max(last_, packet.time);
    count(decoded, headers);
    if (decoded == Decoded::whole)
      table_.add(headers, packet.time);
  }

  TrafficReport finish(const PacketFile& file,
                       const std::optional<Error>& damage) {
    out_.without_time = file.without_time();
    if (damage)
      problem(Severity::error,
              fmt::format("{}; its figures are of the {} before that",
                          damage->message, counted(out_.packets, "packet")));
    out_.complete = !damage;
    if (out_.packets > 0) {
      out_.start = first_;
      out_.duration_ms = to_ms(last_ - first_);
      table_.tell(out_, first_, last_, options_.pause);
    }
    tell_pause();
    warn();
    return std::move(out_);
  }

private:
  void count(Decoded decoded, const PacketHeaders& headers) {
    switch (decoded) {
    case Decoded::whole:
      out_.first_fragments += headers.fragment;
      break;
    case Decoded::later_fragment:
      ++out_.later_fragments;
      out_.later_fragment_bytes += headers.ip_bytes;
      break;
    case Decoded::not_ip:
      ++out_.not_ip;
      break;
    case Decoded::cut:
      ++out_.cut;
      break;
    case Decoded::damaged:
      ++out_.damaged;
    }
  }

  void problem(Severity severity, std::string message) {
    out_.problems.push_back({severity, out_.file, {}, std::move(message)});
  }

  void tell_pause() {
    if (!options_.pause || out_.packets == 0)
      return;
    const WallPause& pause = *options_.pause;
    out_.pause = {to_ms(pause.stop - first_), to_ms(pause.resume - first_),
                  pause.clock_error_ms};
    if (pause.stop > last_ || pause.resume < first_)
      problem(Severity::warning,
              "the pause of the recording is not in the time of the capture: "
              "are both of the same host and migration?");
  }

  void warn() {
    if (out_.packets == 0)
      problem(Severity::warning, out_.filter.empty()
                                     ? "there is no packet in it"
                                     : "the filter lets no packet through");
    auto warn_of = [&](const char* what, uint64_t packets) {
      if (packets)
        problem(Severity::warning,
                fmt::format("{}: {}", what, counted(packets, "packet")));
    };
    warn_of("in no flow, as they cannot be what they claim to be",
            out_.damaged);
    warn_of("in no flow, as the capture's snap length is too small for their "
            "headers",
            out_.cut);
    warn_of("left out, as their time is none", out_.without_time);
    warn_of("in no flow, as later fragments of IP have no ports",
            out_.later_fragments);
    warn_of("older than the one before in the file, whose order counts; delays "
            "below zero are left out",
            backwards_);
  }

  const TrafficOptions& options_;
  FlowTable table_;
  TrafficReport out_;
  WallTime first_, last_;
  uint64_t backwards_ = 0;
};

} // namespace

Result<TrafficReport> read_traffic(const TrafficOptions& options) {
  auto finder = find_rtp(options);
  if (!finder)
    return fail(finder.error());
  auto file = PacketFile::open(options.file, options.filter);
  if (!file)
    return fail(file.error());
  Reader reader(options, *finder);
  auto damage = read_packets(*file, [&](const Packet& packet, Decoded decoded,
                                        const PacketHeaders& headers) {
    reader.take(packet, decoded, headers);
  });
  return reader.finish(*file, damage);
}

} // namespace migscope::analyzer
