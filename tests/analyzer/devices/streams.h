// Device states for tests, from streams built by hand.
#pragma once

#include "analyzer/devices/device_states.h"
#include "captures/stream/decoder.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

namespace migscope::test {

inline Result<analyzer::DeviceStates>
read_devices(const StreamBuilder& stream,
             const std::optional<std::string>& borrowed = {}) {
  captures::StreamEvents nothing;
  analyzer::DeviceCollector collector({"main"}, nothing);
  captures::StreamDecoder decoder(collector);
  REQUIRE(decoder.feed(stream.done()));
  REQUIRE(decoder.finish());
  return collector.finish(borrowed);
}

// A stream of one device "bus/d" (instance 3, version 2) with that body.
inline StreamBuilder one_device(const StreamBuilder& body) {
  return StreamBuilder()
      .header()
      .configuration("pc-1")
      .full(7, "bus/d", 2, 3)
      .bytes(body.done())
      .footer()
      .eof();
}

// A description of it whose members are `members`.
inline std::string described(std::string_view members) {
  return R"({"devices": [{"name": "bus/d", "instance_id": 3,
             "vmsd_name": "d", "version": 2, )" +
         std::string(members) + "}]}";
}

} // namespace migscope::test
