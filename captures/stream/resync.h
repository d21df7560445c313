// Where a broken stream can be read on: behind the footer of any section, if
// what follows is beyond doubt.
//
// This is looked for in anything, pages of the guest included, so more is asked
// than where a body of known kind ends: ids as QEMU gives them, and after a
// command, or the head of a RAM section, that which must follow it. Random
// bytes do not pass: they would have to agree in ten places or more. What does
// pass is a stream that the guest itself holds in memory, as whole pages of it
// in a row. That one cannot be told from the real one by any rule.
#pragma once

#include "captures/stream/footer_scan.h"

namespace migscope::captures {

// Whether the window begins with the header of another stream.
[[nodiscard]] Judgement judge_header(const Window& in);

// Whether bytes[at...] is an item to read on at.
[[nodiscard]] Judgement judge_item(const Window& in, size_t at,
                                   const SectionContext& context);

// Whether bytes[at...] is a footer of any section, and such an item behind it.
[[nodiscard]] Judgement judge_footed_item(const Window& in, size_t at,
                                          const SectionContext& context);

class Resync {
public:
  // `places`: offsets where an item may stand without a footer before it,
  // ascending.
  void begin(std::vector<uint64_t> places);

  // Yields the bytes to pass over, and done where an item follows them. The
  // next window begins behind them. Asks for bytes as long as more may come.
  [[nodiscard]] Step find(const Window& in, const SectionContext& context);

private:
  [[nodiscard]] size_t candidate(const Window& in, size_t at) const;
  [[nodiscard]] bool is_place(uint64_t offset) const;

  std::vector<uint64_t> places_;
};

} // namespace migscope::captures
