#include "captures/stream/stream_start.h"
#include "tests/captures/stream/sample_streams.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;
using captures::wire::Command;

namespace {

StreamStart start_of(const StreamBuilder& stream) {
  return classify_start(stream.done());
}

} // namespace

TEST_CASE("connections of a migration") {
  CHECK(start_of(small_machine()) == StreamStart::main);
  CHECK(start_of(StreamBuilder().be32(0x11223344).be32(1)) ==
        StreamStart::multifd);
  CHECK(start_of(StreamBuilder().text("QCPR").be32(1)) == StreamStart::cpr);
  CHECK(start_of(StreamBuilder().command(
            Command::recv_bitmap, StreamBuilder().counted("pc.ram").done())) ==
        StreamStart::recovered_main);
  CHECK(start_of(StreamBuilder().command(Command::postcopy_resume)) ==
        StreamStart::recovered_main);
  CHECK(start_of(StreamBuilder().page("pc.ram", 0x7f000, 1)) ==
        StreamStart::preempt);
  CHECK(start_of(StreamBuilder().zero("m", 0)) == StreamStart::preempt);
  CHECK(start_of(StreamBuilder().u8(0x16).u8(3).u8(1)) == StreamStart::tls);
}

TEST_CASE("files") {
  CHECK(start_of(StreamBuilder().text("LibvirtQemudSave")) ==
        StreamStart::libvirt_save);
  CHECK(start_of(StreamBuilder().text("LibvirtQemudPart")) ==
        StreamStart::libvirt_save);
  CHECK(start_of(StreamBuilder().be32(0x1f8b0800)) == StreamStart::gzip);
  CHECK(start_of(StreamBuilder().be32(0x28b52ffd)) == StreamStart::zstd);
  CHECK(start_of(StreamBuilder().u8(0xfd).text("7zXZ").u8(0)) ==
        StreamStart::xz);
  CHECK(start_of(StreamBuilder().text("QFI").u8(0xfb)) == StreamStart::qcow2);
}

TEST_CASE("nothing known, or too little") {
  CHECK(start_of(StreamBuilder()) == StreamStart::unknown);
  CHECK(start_of(StreamBuilder().text("QEV")) == StreamStart::unknown);
  CHECK(start_of(StreamBuilder().fill(16, 0)) == StreamStart::unknown);
  CHECK(start_of(StreamBuilder().text("plain text, no stream")) ==
        StreamStart::unknown);
  // A page that leans on one before it, and one with a name that is none.
  CHECK(start_of(StreamBuilder().zero(0x1000).u8(3)) == StreamStart::unknown);
  CHECK(start_of(StreamBuilder().zero("a b", 0x1000)) == StreamStart::unknown);
  CHECK(start_of(StreamBuilder().command(Command::ping)) ==
        StreamStart::unknown);
  CHECK(describe(StreamStart::multifd) == "a multifd channel");
}
