// What commands do to the section loop.
#include "captures/stream/command.h"
#include "captures/stream/decoder_impl.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <fmt/format.h>

namespace migscope::captures {

Result<Step> StreamDecoder::Impl::command(const Window& window) {
  ItemReader in(window);
  in.take(1);
  CommandItem item;
  item.offset = window.offset;
  item.command = in.be<uint16_t>();
  auto length = in.be<uint16_t>();
  if (in.is_short())
    return in.wait();
  auto name = command_name(item.command);
  if (name && !legal_length(item.command, length))
    return malformed(window.offset,
                     fmt::format("command {} with a payload of {} bytes, which "
                                 "it never has",
                                 *name, length));
  item.payload = in.take(length);
  if (in.is_short())
    return in.wait();
  next_item_ = window.offset + in.used();
  if (Status obeyed = obey(item); !obeyed)
    return fail(obeyed.error());
  return in.taken();
}

Status StreamDecoder::Impl::obey(const CommandItem& item) {
  if (Status checked = check_blocks(item); !checked)
    return checked;
  auto command = static_cast<wire::Command>(item.command);
  if (command == wire::Command::postcopy_advise)
    if (Status taken = take_advice(item); !taken)
      return taken;
  if (command == wire::Command::packaged)
    return open_package(item, item.offset + 5 + item.payload.size());
  if (command == wire::Command::enable_colo)
    colo_ = true;
  events_.on_command(item);
  if (!command_name(item.command))
    events_.on_problem(item.offset,
                       fmt::format("command {} is not known", item.command));
  return {};
}

Status StreamDecoder::Impl::take_advice(const CommandItem& item) {
  auto advice = parse_postcopy_advise(item);
  if (!advice)
    return fail(advice.error());
  if (!*advice)
    return {};
  uint32_t told = (*advice)->target_page_size;
  bool settled = page_bits_told_ || ram_.list().begun();
  if (settled && told != ram_.page_size())
    return malformed(item.offset,
                     fmt::format("command POSTCOPY_ADVISE: target page size "
                                 "{}, but it was {} until here",
                                 told, ram_.page_size()));
  ram_.set_page_size(told);
  layout_.advised_page_sizes = (*advice)->block_page_sizes;
  return {};
}

Status StreamDecoder::Impl::open_package(const CommandItem& item,
                                         uint64_t start) {
  auto bytes = load_be<uint32_t>(item.payload.data());
  if (package_end_)
    return malformed(item.offset, "command PACKAGED inside a package");
  if (bytes > limits::kMaxPackageBytes)
    return malformed(item.offset,
                     fmt::format("command PACKAGED: {} bytes, expected at "
                                 "most {}",
                                 bytes, limits::kMaxPackageBytes));
  events_.on_command(item);
  events_.on_package_begin(start, bytes);
  package_end_ = start + bytes;
  return {};
}

// Commands that name a RAM block must name one of the list.
Status StreamDecoder::Impl::check_blocks(const CommandItem& item) const {
  Result<std::string> name = std::string();
  auto command = static_cast<wire::Command>(item.command);
  if (command == wire::Command::recv_bitmap)
    name = parse_recv_bitmap(item);
  else if (command == wire::Command::postcopy_discard)
    name = parse_ram_discard(item).map(&RamDiscard::block);
  else
    return {};
  if (!name)
    return fail(name.error());
  if (!ram_.list().find(*name))
    return malformed(item.offset,
                     fmt::format("command {} for block {}, which is not in the "
                                 "block list",
                                 *command_name(item.command), quoted(*name)));
  return {};
}

} // namespace migscope::captures
