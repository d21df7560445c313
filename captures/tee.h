// Sits in the path of a migration: accepts what the source connects, connects
// each to the destination, forwards both ways unchanged and stores both ways.
//
// One libuv loop, no threads of its own (storing has its own, see
// channel_writer.h). Reading stops while the other side, or the storage, is
// behind, so that memory does not grow. A storage failure never stops the
// migration: forwarding goes on and ChannelInfo says where the record ends.
#pragma once

#include "base/address.h"
#include "captures/session/manifest.h"

#include <memory>

struct uv_loop_s;

namespace migscope::captures {

class Tee {
public:
  struct Events {
    std::function<void(int channel)> opened;
    // Both directions are over and stored.
    std::function<void(const ChannelInfo&)> closed;
    // Accepting or connecting failed for one connection, or storing failed.
    std::function<void(const Error&)> problem;
  };

  // Starts to listen. A tcp port 0 is replaced by the one taken. A unix socket
  // path must not exist; it is removed when listening ends. `session` is an
  // existing directory; `clock` outlives the tee.
  [[nodiscard]] static Result<std::unique_ptr<Tee>>
  listen(uv_loop_s* loop, const Address& listen, const Address& connect,
         std::filesystem::path session, Clock& clock, Events events);
  ~Tee(); // as close()

  [[nodiscard]] const Address& address() const;
  [[nodiscard]] size_t open_connections() const;
  // Every connection so far, live figures.
  [[nodiscard]] std::vector<ChannelInfo> channels() const;

  void stop_listening();
  // Stops listening and cuts what is still open; what arrived is stored. The
  // loop must run once more.
  void close();

private:
  class Impl;
  explicit Tee(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

} // namespace migscope::captures
