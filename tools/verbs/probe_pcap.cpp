#include "tools/verbs/probe_pcap.h"

#include "analyzer/traffic/read_traffic.h"
#include "analyzer/traffic/recorded_pause.h"
#include "tools/render/traffic.h"
#include "tools/verbs/printing.h"

namespace migscope::tools {
namespace {

Result<analyzer::TrafficOptions> traffic_options(const PcapOptions& options) {
  analyzer::TrafficOptions out{options.file, options.filter, {}, {}};
  if (options.rtp_clock)
    out.rtp_clock = static_cast<uint32_t>(*options.rtp_clock);
  if (options.session.empty())
    return out;
  auto recording = captures::open_recording(options.session);
  if (!recording)
    return fail(recording.error());
  auto pause = analyzer::recorded_pause(*recording);
  if (!pause)
    return fail(pause.error());
  out.pause = *pause;
  return out;
}

Status print(const analyzer::TrafficReport& report, bool json) {
  std::string out =
      json ? render_json(report).dump_pretty() + "\n" : render_text(report);
  return print_result(out);
}

} // namespace

ExitStatus run_probe_pcap(const PcapOptions& options) {
  auto how = traffic_options(options);
  if (!how)
    return report(how.error());
  auto traffic = analyzer::read_traffic(*how);
  if (!traffic)
    return report(traffic.error());
  if (auto printed = print(*traffic, options.json); !printed)
    return report(printed.error());
  return traffic->complete ? ExitStatus::done : ExitStatus::incomplete;
}

} // namespace migscope::tools
