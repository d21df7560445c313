#include "analyzer/pages/page_runs.h"

#include "analyzer/stream_model.h"

#include <algorithm>
#include <set>

namespace migscope::analyzer {
namespace {

std::vector<uint64_t> rounds_of(const RoundsOfPages& rounds, size_t sections) {
  std::vector<uint64_t> out;
  for (size_t i = 0; i < rounds.first_sections.size(); ++i) {
    size_t end = i + 1 < rounds.first_sections.size()
                     ? rounds.first_sections[i + 1]
                     : sections;
    out.resize(std::max(out.size(), end), i + 1);
  }
  return out;
}

// Where in a block another piece of the guest's memory begins.
std::set<uint64_t> borders_of(size_t block, const GuestLayout& layout) {
  std::set<uint64_t> out;
  for (const LayoutPiece& piece : layout.pieces)
    if (piece.block == block)
      out.insert({piece.offset, piece.offset + piece.bytes});
  return out;
}

// Whether `next` goes on where `run` ends, and fared as it did.
bool goes_on(const PageRun& run, const PageRun& next) {
  return run.bytes > 0 && run.address + run.bytes == next.address &&
         run.sends == next.sends && run.last_round == next.last_round &&
         run.zero == next.zero;
}

} // namespace

void for_each_page_run(const StreamModel& model, const RoundsOfPages& rounds,
                       const GuestLayout& layout, const PageRunSink& sink) {
  const uint64_t page_size = model.ledger().page_size();
  auto round_of = rounds_of(rounds, model.sections().size());
  for (size_t block = 0; block < model.ledger().blocks(); ++block) {
    PageRun run;
    auto borders = borders_of(block, layout);
    auto close = [&] {
      if (run.bytes == 0)
        return;
      run.block = model.blocks()[block].name;
      run.guest_address = guest_address(layout, block, run.address, run.bytes);
      sink(run);
    };
    model.ledger().for_each_sent(
        block, [&](uint64_t page, const PageState& state) {
          PageRun next;
          next.address = page * page_size;
          next.bytes = page_size;
          next.sends = state.sends;
          if (state.last_section <= round_of.size())
            next.last_round = round_of[state.last_section - 1];
          next.zero = state.digest == model.zero_digest();
          if (goes_on(run, next) && !borders.contains(next.address)) {
            run.bytes += page_size;
            return;
          }
          close();
          run = std::move(next);
        });
    close();
  }
}

} // namespace migscope::analyzer
