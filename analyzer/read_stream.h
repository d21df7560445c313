// A recording's channels, read once from end to end.
#pragma once

#include "analyzer/page_requests.h"
#include "analyzer/stream_model.h"
#include "captures/migration_reader.h"

namespace migscope::analyzer {

struct ReadStream {
  std::unique_ptr<StreamModel> model;
  std::vector<captures::Chunk> chunks; // the main channel's
  std::optional<PageRequests> requests;
  int channels = 0;
  uint64_t bytes = 0; // of all channels, source to destination
  bool complete = false;
  std::vector<Problem> problems;
};

// Fails where there is no main channel to read.
[[nodiscard]] Result<ReadStream>
read_stream(const captures::Recording& recording);

} // namespace migscope::analyzer
