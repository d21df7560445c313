#include "analyzer/traffic/flow_table.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::EchoHeader;
using captures::PacketHeaders;
using captures::TcpHeader;
using captures::UdpHeader;

namespace {

using Kind = FlowKey::Kind;

// Sets ends and ports in their order; gives who sent the packet.
size_t set_ends(FlowKey& key, const PacketHeaders& headers, uint16_t from_port,
                uint16_t to_port) {
  auto from = std::tie(headers.source, from_port);
  auto to = std::tie(headers.destination, to_port);
  bool back = to < from;
  std::tie(key.a, key.port_a) = back ? to : from;
  std::tie(key.b, key.port_b) = back ? from : to;
  return back;
}

std::string endpoint(const captures::IpAddress& address, uint16_t port,
                     bool has_port) {
  std::string text = to_string(address);
  if (!has_port)
    return text;
  return address.v6 ? fmt::format("[{}]:{}", text, port)
                    : fmt::format("{}:{}", text, port);
}

std::string protocol_name(const FlowKey& key) {
  switch (key.kind) {
  case Kind::tcp:
    return "tcp";
  case Kind::udp:
    return "udp";
  case Kind::rtp:
    return "rtp";
  case Kind::echo:
    return "icmp echo";
  case Kind::other:
    break;
  }
  return fmt::format("ip {}", key.protocol);
}

void tell_delays(TrafficDirection& out, DelayEvidence known_by,
                 const Samples& delays, const Jitter& jitter) {
  if (delays.count() == 0)
    return;
  out.delay = {known_by,      delays.count(),   delays.sampled(),
               *delays.min(), *delays.median(), *delays.quantile(0.99),
               *delays.max()};
  if (jitter.rfc3550_ms())
    out.jitter = {false, jitter.rfc3550_mean_ms(), jitter.rfc3550_max_ms(),
                  jitter.mean_difference_ms()};
}

} // namespace

FlowTable::Place FlowTable::place(const PacketHeaders& headers) const {
  Place out;
  out.key.protocol = headers.protocol;
  if (const auto* tcp = std::get_if<TcpHeader>(&headers.transport)) {
    out.key.kind = Kind::tcp;
    out.sender =
        set_ends(out.key, headers, tcp->source_port, tcp->destination_port);
  } else if (const auto* udp = std::get_if<UdpHeader>(&headers.transport)) {
    out.key.kind = Kind::udp;
    out.sender =
        set_ends(out.key, headers, udp->source_port, udp->destination_port);
    out.rtp = parse_rtp(udp->payload);
    if (out.rtp && !finder_.is_rtp(headers, *udp, out.rtp->ssrc))
      out.rtp.reset();
    if (out.rtp) {
      out.key.kind = Kind::rtp;
      out.key.id = out.rtp->ssrc;
    }
  } else if (const auto* echo = std::get_if<EchoHeader>(&headers.transport)) {
    out.key.kind = Kind::echo;
    out.key.id = echo->id;
    out.key.a = echo->reply ? headers.destination : headers.source;
    out.key.b = echo->reply ? headers.source : headers.destination;
    out.sender = echo->reply;
  } else {
    out.sender = set_ends(out.key, headers, 0, 0);
  }
  return out;
}

FlowTable::Flow* FlowTable::find(const FlowKey& key,
                                 const PacketHeaders& headers, size_t sender) {
  auto found = flows_.find(key);
  if (found != flows_.end())
    return &found->second;
  if (flows_.size() < kMostFlows) {
    Flow& flow = flows_[key];
    flow.opener = sender;
    return &flow;
  }
  ++untold_figures_.packets;
  untold_figures_.bytes += headers.ip_bytes;
  if (untold_.size() < kMostCounted)
    untold_.insert(key);
  else
    untold_figures_.at_least |= !untold_.contains(key);
  return nullptr;
}

FlowTable::Direction& FlowTable::direction(Flow& flow, const Place& place) {
  auto& out = flow.directions[place.sender];
  if (!out) {
    out = std::make_unique<Direction>();
    if (place.rtp)
      out->rtp = std::make_unique<RtpReceiver>(dynamic_hz_);
  }
  return *out;
}

void FlowTable::add(const PacketHeaders& headers, WallTime at) {
  Place where = place(headers);
  Flow* flow = find(where.key, headers, where.sender);
  if (!flow)
    return;
  Direction& to = direction(*flow, where);
  if (to.packets++ == 0)
    to.first = to.last = at;
  to.last = std::max(to.last, at);
  to.bytes += headers.ip_bytes;
  to.pace.add(at, budget_);
  if (to.rtp)
    to.rtp->add(*where.rtp, at);
  if (const auto* tcp = std::get_if<TcpHeader>(&headers.transport))
    add_tcp(*flow, where.sender, headers, *tcp, at);
  if (const auto* echo = std::get_if<EchoHeader>(&headers.transport))
    add_echo(*flow, *echo, at);
}

// From SYN to the ACK of its answer: the whole way, wherever it was captured.
void FlowTable::follow_handshake(Flow& flow, size_t sender,
                                 const TcpHeader& tcp, WallTime at) {
  if (tcp.syn && !tcp.ack) {
    // Which of two that are alike was answered is not known.
    bool again = flow.syn_sequence == tcp.sequence && flow.syn_by == sender;
    flow.syn = again ? std::nullopt : std::optional(at);
    flow.syn_sequence = tcp.sequence;
    flow.syn_by = sender;
    flow.syn_answered = false;
  } else if (tcp.syn) {
    flow.syn_answered = flow.syn && sender != flow.syn_by;
  } else if (flow.syn_answered && sender == flow.syn_by && tcp.ack) {
    if (at >= *flow.syn)
      flow.round_trip = at - *flow.syn;
    flow.syn_answered = false;
    flow.syn.reset();
  }
}

void FlowTable::add_tcp(Flow& flow, size_t sender, const PacketHeaders& headers,
                        const TcpHeader& tcp, WallTime at) {
  if (flow.directions[sender]->tcp.sent(tcp, headers.ip_id, at,
                                        flow.round_trip))
    follow_handshake(flow, sender, tcp, at);
  auto& other = flow.directions[1 - sender];
  if (other && tcp.ack && !tcp.rst)
    other->tcp.acknowledged(tcp.acknowledgement, at, other->delays, budget_,
                            other->jitter);
}

void FlowTable::add_echo(Flow& flow, const EchoHeader& echo, WallTime at) {
  if (!flow.echo)
    flow.echo = std::make_unique<EchoRequests>();
  if (!echo.reply)
    flow.echo->request(echo.sequence, at);
  else if (auto& asker = flow.directions[0])
    flow.echo->reply(echo.sequence, at, asker->delays, budget_, asker->jitter);
}

TrafficFlow FlowTable::tell_flow(const FlowKey& key, Flow& flow, WallTime zero,
                                 WallTime end,
                                 const std::optional<WallPause>& pause) {
  TrafficFlow out;
  out.protocol = protocol_name(key);
  if (key.kind == Kind::echo)
    out.id = key.id;
  bool ports = key.kind != Kind::echo && key.kind != Kind::other;
  const std::array ends{endpoint(key.a, key.port_a, ports),
                        endpoint(key.b, key.port_b, ports)};
  for (size_t i : {flow.opener, 1 - flow.opener}) {
    if (!flow.directions[i])
      continue;
    Direction& from = *flow.directions[i];
    TrafficDirection& to = out.directions.emplace_back();
    to.from = ends[i];
    to.to = ends[1 - i];
    to.packets = from.packets;
    to.bytes = from.bytes;
    out.bytes += from.bytes;
    to.start_ms = to_ms(from.first - zero);
    to.duration_ms = to_ms(from.last - from.first);
    if (to.duration_ms > 0)
      to.throughput =
          8 * static_cast<double>(from.bytes) / (to.duration_ms / 1000);
    from.pace.tell(to, zero, pause);
    if (key.kind == Kind::tcp)
      from.tcp.tell(to);
    if (from.rtp)
      from.rtp->tell(to);
    else
      tell_delays(to,
                  key.kind == Kind::tcp ? DelayEvidence::tcp_ack
                                        : DelayEvidence::icmp_echo,
                  from.delays, from.jitter);
  }
  bool asked = flow.echo && flow.directions[0];
  if (asked) {
    size_t asker = flow.opener == 0 ? 0 : 1;
    TrafficDirection* replies =
        out.directions.size() == 2 ? &out.directions[1 - asker] : nullptr;
    flow.echo->tell(out.directions[asker], replies, end);
  }
  return out;
}

void FlowTable::tell(TrafficReport& out, WallTime zero, WallTime end,
                     const std::optional<WallPause>& pause) {
  for (auto& [key, flow] : flows_)
    out.flows.push_back(tell_flow(key, flow, zero, end, pause));
  std::ranges::stable_sort(out.flows, std::greater{}, &TrafficFlow::bytes);
  out.untold = untold_figures_;
  out.untold.flows = untold_.size();
}

} // namespace migscope::analyzer
