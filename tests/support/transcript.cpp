#include "tests/support/transcript.h"

#include "qmp/json.h"

#include <fstream>
#include <stdexcept>

namespace migscope::testing {

std::vector<TranscriptLine> read_transcript(const std::string& name) {
  std::ifstream file(std::string(TRANSCRIPTS) + "/" + name + ".jsonl");
  std::vector<TranscriptLine> out;
  constexpr std::string_view kKey = ",\"message\":";
  for (std::string line; std::getline(file, line);) {
    auto json = qmp::Json::parse(line).value();
    TranscriptLine entry;
    entry.time.mono.ns = json.get("ns").as_int().value();
    entry.time.wall.ns = json.get("wall_ns").as_int().value();
    entry.end = json.get("end").as_string().value();
    entry.sent = json.get("dir").as_string() == "sent";
    // Sliced, not printed again: the message is to stay verbatim.
    size_t start = line.find(kKey) + kKey.size();
    entry.text = line.substr(start, line.size() - 1 - start);
    out.push_back(std::move(entry));
  }
  if (out.empty())
    throw std::runtime_error("no transcript " + name);
  return out;
}

} // namespace migscope::testing
