// The channels of a migration, as files, through all that `analyze`, `devices`
// and `memory` do with them. Options: u8, which round and which page; then a
// set of channels (tests/support/channel_set.h).
#include "captures/stream/stream_start.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/support/channel_set.h"

using namespace migscope;
using namespace migscope::captures;

namespace {

// A few bytes can unpack to gigabytes; libvirt_header and qcow2 have these.
bool is_wrapped(const test::ChannelBytes& channel) {
  switch (classify_start(channel.bytes)) {
  case StreamStart::gzip:
  case StreamStart::xz:
  case StreamStart::zstd:
  case StreamStart::libvirt_save:
  case StreamStart::qcow2:
    return true;
  default:
    return false;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  uint8_t pick = input.u8();
  auto channels = test::parse_channel_set(input.rest());
  std::erase_if(channels, is_wrapped);
  if (channels.empty())
    return 0;
  test::ChannelSet set(channels);
  std::string broken = test::read_in_every_way(set.recording(), pick);
  fuzz::require(broken.empty(), broken.c_str());
  return 0;
}
