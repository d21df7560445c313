// A guest's debug console: read from a FIFO, stored with arrival times.
//
// QEMU writes it byte by byte and waits where nobody reads, guest and all. So
// it is read on a thread of its own, from before QEMU starts until after it has
// ended, and what the event loop does meanwhile neither stops the guest nor
// makes a line look late.
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <filesystem>
#include <memory>
#include <string>

namespace migscope::tools {

class Console {
public:
  // Makes the FIFO `path` and reads what comes. `clock` outlives this.
  [[nodiscard]] static Result<std::unique_ptr<Console>>
  create(const std::filesystem::path& path, Clock& clock);
  ~Console(); // as finish(), the result dropped
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // The first whole line that begins with READY or ERROR; empty before, and
  // looked for until store() only.
  [[nodiscard]] std::string verdict() const;
  // From now on what has come and what comes goes to `file`, as a channel of a
  // session does; fails where it exists. Called once.
  [[nodiscard]] Status store(const std::filesystem::path& file);
  // Bytes that have come.
  [[nodiscard]] uint64_t bytes() const;
  // Takes what is still in the FIFO, whose writer has ended, and closes the
  // file. Returns the first failure to store.
  [[nodiscard]] Status finish();

private:
  class Impl;
  explicit Console(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace migscope::tools
