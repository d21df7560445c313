// A recording's channels as the analysis needs them.
#pragma once

#include "analyzer/page_requests.h"
#include "analyzer/stream_model.h"

namespace migscope::analyzer {

struct ReadStreamOptions {
  size_t threads = 1; // that work, the caller's with them
  Content content = Content::hashed;
};

struct ReadStream {
  std::unique_ptr<TaskPool> pool; // the model's
  std::unique_ptr<StreamModel> model;
  std::vector<captures::Chunk> chunks; // the main channel's
  // When the first byte of each of the model's sections came; empty where not
  // all are known.
  std::vector<MonoTime> arrivals;
  std::optional<PageRequests> requests;
  std::optional<MonoTime> switchover_ack; // the destination's
  bool multifd = false;                   // there are multifd channels
  Input input;                            // of the channels
};

// Fails where there is no main channel to read.
[[nodiscard]] Result<ReadStream>
read_stream(const captures::Recording& recording,
            const ReadStreamOptions& options);

} // namespace migscope::analyzer
