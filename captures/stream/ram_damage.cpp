// RAM bodies that end early, and what can be known of pages after that.
#include "captures/stream/limits.h"
#include "captures/stream/ram_body.h"
#include "captures/stream/wire.h"

#include <fmt/format.h>

namespace migscope::captures {

void RamBody::break_off() {
  region_.abandon();
  tell_unplaced();
  in_list_ = false;
  if (!in_start_ || list_.complete())
    return;
  list_.break_off();
  if (!list_.blocks().empty())
    events_.on_ram_blocks(list_.blocks(), page_size_);
  events_.on_problem(
      section_, fmt::format("the RAM block list is broken after {} blocks; "
                            "pages of others are left out",
                            list_.blocks().size()));
}

void RamBody::forget_block() {
  block_.reset();
  lost_ = true;
}

void RamBody::tell_unplaced() {
  flush();
  if (unplaced_ > 0)
    events_.on_problem(
        section_,
        fmt::format("{} pages cannot be told apart from other blocks' "
                    "after the damage before; they are left out",
                    unplaced_));
  unplaced_ = 0;
}

// Two items: a guest's memory may well hold something that looks like one.
Judgement RamBody::judge(const Window& window, size_t at) const {
  for (int items = 0; items < 2; ++items) {
    ItemReader in(window.from(at));
    PageWord word = split(window.offset + at, in.be<uint64_t>());
    if (!in.is_short() && !is_page(word)) {
      if (word.address != 0 ||
          (word.flags != wire::kRamEos && word.flags != wire::kRamMultifdFlush))
        return decided(false);
      if (word.flags == wire::kRamEos)
        return decided(true);
    } else if (!in.is_short()) {
      bool named = (word.flags & wire::kRamContinue) == 0;
      auto owner = named ? page_owner(word, in) : Owner();
      if (!in.is_short() && (!owner || !check_address(word, *owner) ||
                             !read_payload(word, page_size_, in)))
        return decided(false);
    }
    if (in.is_short())
      return {Verdict::open, at + in.wait().need};
    at += in.used();
  }
  return decided(true);
}

std::string RamBody::describe_cut(const Window& rest) const {
  if (region_.open())
    return fmt::format("{} of block {}",
                       region_.describe_cut(rest.offset + rest.bytes.size()),
                       quoted(list_.blocks().back().name));
  if (in_list_)
    return "in the RAM block list";
  if (rest.bytes.empty())
    return "before the EOS word";
  ItemReader in(rest);
  PageWord word = split(rest.offset, in.be<uint64_t>());
  if (in.is_short())
    return fmt::format("in a page word ({} of {} bytes)", rest.bytes.size(),
                       kPageWordBytes);
  auto owner = page_owner(word, in);
  if (!owner || in.is_short())
    return fmt::format("in the block name of page {:#x}", word.address);
  std::string name = "unknown";
  if (*owner)
    name = quoted(list_.blocks()[**owner].name);
  size_t there = rest.bytes.size() - in.used();
  if ((word.flags & wire::kRamPage) != 0)
    return fmt::format("in page {:#x} of block {} ({} of {} bytes)",
                       word.address, name, there, page_size_);
  return fmt::format("in page {:#x} of block {}", word.address, name);
}

} // namespace migscope::captures
