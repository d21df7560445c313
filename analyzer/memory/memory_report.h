// What became of a rebuilt memory: plain data that every renderer prints from.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/memory/memory_image.h"
#include "analyzer/memory/memory_output.h"
#include "analyzer/memory/page_history.h"
#include "captures/sources.h"

namespace migscope::analyzer {

struct BlockReport {
  std::string name;
  uint64_t bytes = 0;
  HeldPages held;
  // XXH3 of all of it; nothing where pages are unknown.
  std::optional<uint64_t> digest;
  // Left out of the stream on purpose: a shared block with x-ignore-shared.
  bool shared = false;
};

struct MemoryReport {
  Input input;
  std::optional<uint64_t> round; // asked for; nothing: the end
  std::string machine;           // empty: not told
  uint32_t page_size = 0;        // bytes; 0 where there is no block list
  std::vector<BlockReport> blocks;
  std::vector<captures::RamBlock> block_list; // of all blocks
  GuestLayout layout;
  UnreadSends unread;
  size_t cpus = 0; // whose registers are known
  std::vector<std::string> notes;

  // Nothing is missing that the stream should have told.
  [[nodiscard]] bool complete() const;
};

// Reads the stream into `output`. Pages at `stop` (an offset on the main
// channel) and later are not taken. Fails where there is nothing to read, where
// nothing can be stored and where the output's format is not possible.
[[nodiscard]] Result<MemoryReport>
rebuild_memory(const captures::Recording& recording, MemoryOutput& output,
               std::optional<uint64_t> stop = {});

// Where a round ends.
struct RoundEnd {
  std::optional<uint64_t> stop; // offset on the main channel; nothing: the end
};
// By an analysis of the same recording. Fails with kind unsupported where the
// stream has no rounds, with kind usage where it has no such round.
[[nodiscard]] Result<RoundEnd> end_of_round(const Analysis& analysis,
                                            uint64_t round);

// A page as a user names it.
struct PageName {
  std::string block; // empty: the offset is a guest-physical address
  uint64_t offset = 0;
};
// "0x7fe000", "pc.ram:0x1000". Fails with kind usage.
[[nodiscard]] Result<PageName> parse_page_name(const std::string& text);

struct HistoryReport {
  Input input;
  std::string block;
  uint64_t address = 0;                  // of the page, in the block
  std::optional<uint64_t> guest_address; // where it is known
  std::vector<PageSend> sends;
  std::vector<std::optional<uint64_t>> rounds; // for each send
  uint64_t not_kept = 0;                       // further sends
};

// Reads the stream twice. `analysis` is of the same recording and gives the
// rounds.
[[nodiscard]] Result<HistoryReport>
page_history(const captures::Recording& recording, const PageName& page,
             const Analysis& analysis);

} // namespace migscope::analyzer
