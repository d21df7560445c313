// Real QMP dialogues, as tests/transcripts/regen.py wrote them down.
#pragma once

#include "base/clock.h"

#include <string>
#include <vector>

namespace migscope::testing {

struct TranscriptLine {
  ClockReading time;
  std::string end; // "source" or "destination"
  bool sent = false;
  std::string text; // verbatim
};

// `name` is that of the file without ".jsonl"; throws where it cannot be read.
std::vector<TranscriptLine> read_transcript(const std::string& name);

} // namespace migscope::testing
