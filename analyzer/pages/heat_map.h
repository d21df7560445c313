// Which memory each round sent: plain data, as analysis.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

// Rounds that are told of together: one, unless there are very many.
struct HeatColumn {
  size_t first_round = 0, last_round = 0; // numbers, from 1; 0: not known
  bool pause = false;                     // sent with the guest stopped
};

struct BinOwner {
  std::string name;
  uint64_t pages = 0; // that were sent
  uint64_t resent_pages = 0;
};

// A unit of memory, of which something was sent.
struct HeatBin {
  std::string block;
  uint64_t address = 0; // byte offset in the block
  // Unknown where the layout is, or where it does not lie in one piece.
  std::optional<uint64_t> guest_address;
  uint64_t bytes = 0;
  // By the owners' table's first column, the most re-sent pages first; no more
  // than a few. Empty without a table.
  std::vector<BinOwner> owners;
};

struct HeatCell {
  size_t column = 0, bin = 0; // indices
  uint64_t pages = 0;
  uint64_t resent_pages = 0; // of these, that had been sent before
};

struct HeatMap {
  uint64_t unit_bytes = 0; // of a bin; the last one of a block may be smaller
  std::vector<HeatColumn> columns; // one for all where rounds are not known
  std::vector<HeatBin> bins;       // by block and address
  std::vector<HeatCell> cells;     // that have pages, by column and bin
};

} // namespace migscope::analyzer
