#include "analyzer/traffic/echo_requests.h"

#include <algorithm>

namespace migscope::analyzer {

int64_t EchoRequests::place(uint16_t sequence) const {
  return newest_ + static_cast<int16_t>(static_cast<uint16_t>(
                       sequence - static_cast<uint16_t>(newest_)));
}

void EchoRequests::request(uint16_t sequence, WallTime at) {
  if (!begun_)
    newest_ = sequence;
  begun_ = true;
  int64_t at_place = place(sequence);
  if (!kept_.try_emplace(at_place, Request{at}).second) {
    ++duplicates_;
    return;
  }
  ++requests_;
  reordered_ += at_place < newest_;
  newest_ = std::max(newest_, at_place);
  if (kept_.size() > kMostKept) {
    const Request& oldest = kept_.begin()->second;
    bool due = to_ms(at - oldest.sent) >= kEchoWaitMs;
    (due ? lost_ : given_up_) += !oldest.answered;
    kept_.erase(kept_.begin());
  }
}

void EchoRequests::reply(uint16_t sequence, WallTime at, Samples& delays,
                         SampleBudget& budget, Jitter& jitter) {
  auto found = kept_.find(place(sequence));
  if (!begun_ || found == kept_.end())
    return; // its request was before the capture
  if (found->second.answered) {
    ++replies_twice_;
    return;
  }
  found->second.answered = true;
  ++answered_;
  replies_reordered_ += replied_ && found->first < newest_reply_;
  newest_reply_ =
      replied_ ? std::max(newest_reply_, found->first) : found->first;
  replied_ = true;
  if (at < found->second.sent)
    return;
  delays.add(to_ms(at - found->second.sent), budget);
  jitter.add(to_ms(at - found->second.sent));
}

void EchoRequests::tell(TrafficDirection& requests, TrafficDirection* replies,
                        WallTime end) const {
  EchoFigures figures{requests_, answered_, given_up_};
  uint64_t lost = lost_;
  for (const auto& [at_place, request] : kept_) {
    bool due = to_ms(end - request.sent) >= kEchoWaitMs;
    lost += !request.answered && due;
    figures.open += !request.answered && !due;
  }
  requests.echo = figures;
  requests.reordered = reordered_;
  requests.duplicates = duplicates_;
  if (!replies)
    return;
  replies->reordered = replies_reordered_;
  replies->duplicates = replies_twice_;
  uint64_t of = requests_ - figures.open;
  if (of > 0)
    requests.loss = {LossEvidence::icmp_echo, lost, of,
                     100 * static_cast<double>(lost) / static_cast<double>(of)};
}

} // namespace migscope::analyzer
