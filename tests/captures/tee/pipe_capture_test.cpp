#include "captures/pipe_capture.h"

#include "tests/captures/tee/peers.h"

#include <fcntl.h>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::testing;

namespace {

struct Capture {
  TeeFixture f; // for its loop, clock and directory
  std::optional<ChannelInfo> info;
  Status status;
  std::unique_ptr<PipeCapture> capture;

  void start(int fd, const std::filesystem::path& session) {
    auto done = [this](const ChannelInfo& i, Status s) {
      CHECK_FALSE(info); // once
      info = i;
      status = std::move(s);
    };
    auto made =
        PipeCapture::start(f.loop.get(), fd, session, f.clock, std::move(done));
    REQUIRE(made);
    capture = *std::move(made);
  }
  void start(int fd) { start(fd, f.dir.path()); }
  bool run() {
    return f.loop.run_until([&] { return info.has_value(); });
  }
};

struct Pipe {
  Fd out, in;
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    out = Fd(fds[0]);
    in = Fd(fds[1]);
  }
};

size_t write_all(const Fd& fd, const Bytes& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n <= 0)
      break;
    done += static_cast<size_t>(n);
  }
  return done;
}

} // namespace

TEST_CASE("a pipe is taken in to its end and left as it was") {
  Capture c;
  Pipe pipe;
  const Bytes bytes = pattern(0, 20'000'000);
  std::thread writer([&] {
    write_all(pipe.in, bytes);
    pipe.in.reset();
  });
  int flags = ::fcntl(pipe.out.get(), F_GETFL);
  c.start(pipe.out.get());
  CHECK(c.run());
  writer.join();
  CHECK(c.status);
  CHECK(c.info->number == 0);
  CHECK(c.info->bytes == bytes.size());
  CHECK(c.info->return_bytes == 0);
  CHECK_FALSE(c.info->store_error);
  CHECK((c.f.stored("channel-0.zst") == bytes));
  CHECK(::fcntl(pipe.out.get(), F_GETFL) == flags); // open, and blocking
}

TEST_CASE("a file is taken in too") {
  Capture c;
  const Bytes bytes = pattern(3, 5'000'000);
  write_file(c.f.dir / "stream", bytes);
  Fd file(::open((c.f.dir / "stream").c_str(), O_RDONLY | O_CLOEXEC));
  c.start(file.get());
  CHECK(c.run());
  CHECK(c.status);
  CHECK((c.f.stored("channel-0.zst") == bytes));
}

TEST_CASE("an empty input") {
  Capture c;
  Pipe pipe;
  pipe.in.reset();
  c.start(pipe.out.get());
  CHECK(c.run());
  CHECK(c.status);
  CHECK(c.info->bytes == 0);
  CHECK(c.f.stored("channel-0.zst").empty());
}

TEST_CASE("stopping stores what arrived") {
  Capture c;
  Pipe pipe;
  c.start(pipe.out.get());
  CHECK(write_all(pipe.in, pattern(0, 5000)) == 5000);
  CHECK(c.f.loop.run_until([&] { return c.capture->bytes() == 5000; }));
  CHECK_FALSE(c.info);
  c.capture->stop();
  c.capture->stop();
  CHECK(c.run());
  CHECK(c.status);
  CHECK((c.f.stored("channel-0.zst") == pattern(0, 5000)));
}

TEST_CASE("stopping in the middle of a file") {
  Capture c;
  write_file(c.f.dir / "stream", pattern(0, 5'000'000));
  Fd file(::open((c.f.dir / "stream").c_str(), O_RDONLY | O_CLOEXEC));
  c.start(file.get());
  c.capture->stop();
  CHECK(c.run());
  Bytes stored = c.f.stored("channel-0.zst");
  CHECK(stored.size() < 5'000'000);
  CHECK((stored == pattern(0, stored.size())));
}

TEST_CASE("without a place to store, the input is read to its end") {
  Capture c;
  Pipe pipe;
  size_t written = 0;
  std::thread writer([&] {
    written = write_all(pipe.in, pattern(0, 3'000'000));
    pipe.in.reset();
  });
  c.start(pipe.out.get(), c.f.dir / "missing");
  CHECK(c.run());
  writer.join();
  CHECK(written == 3'000'000);
  CHECK(c.status);
  CHECK(c.info->bytes == 3'000'000);
  CHECK(c.info->store_error);
}

TEST_CASE("a capture that goes calls nobody and stores") {
  Capture c;
  Pipe pipe;
  c.start(pipe.out.get());
  CHECK(write_all(pipe.in, pattern(0, 100)) == 100);
  CHECK(c.f.loop.run_until([&] { return c.capture->bytes() == 100; }));
  c.capture.reset();
  uv_run(c.f.loop.get(), UV_RUN_DEFAULT);
  CHECK_FALSE(c.info);
  CHECK((c.f.stored("channel-0.zst") == pattern(0, 100)));
}

TEST_CASE("what cannot be read") {
  Capture c;
  auto nothing = [](const ChannelInfo&, Status) {};
  CHECK_FALSE(PipeCapture::start(c.f.loop.get(), -1, c.f.dir.path(), c.f.clock,
                                 nothing));
  Fd folder(::open(c.f.dir.path().c_str(), O_RDONLY | O_CLOEXEC));
  c.start(folder.get());
  CHECK(c.run());
  CHECK_FALSE(c.status);
}
