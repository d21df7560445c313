#include "captures/sink.h"

#include <fmt/format.h>

namespace migscope::captures {

Sink::Sink(const std::filesystem::path& path, std::function<void()> notify) {
  if (auto writer = ChannelWriter::create(path, std::move(notify)))
    writer_ = *std::move(writer);
  else
    no_file_ = writer.error();
}

void Sink::put(std::span<const std::byte> bytes, MonoTime arrival) {
  bytes_ += bytes.size();
  if (writer_ && !writer_->append(bytes, arrival) && !waiting_since_)
    waiting_since_ = arrival;
}

void Sink::check(MonoTime now) {
  if (!waiting_since_ || !writer_->can_take_more())
    return;
  stalled_ += now - *waiting_since_;
  waiting_since_.reset();
}

std::optional<Error> Sink::failure() const {
  if (!writer_)
    return no_file_;
  auto failure = writer_->failure();
  if (failure)
    failure->message = fmt::format("{}; {} bytes are stored", failure->message,
                                   writer_->stored_bytes());
  return failure;
}

void Sink::close() {
  if (writer_)
    (void)writer_->close(); // failure() tells
}

} // namespace migscope::captures
