// How anything in migscope fails: a value, never an exception.
//
// A function that can fail returns Result<T> (or Status when there is nothing
// to give). Printing and exit codes belong to tools/ alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace migscope {

enum class ErrorKind {
  io,          // the operating system refused
  protocol,    // a peer spoke, but not what was agreed
  refused,     // a peer understood and said no (a QMP error, for instance)
  timeout,     // a peer kept silent
  malformed,   // bytes that cannot be what they claim to be
  truncated,   // bytes that end too early
  unsupported, // known, but not handled
  interrupted, // the user asked to stop
  usage,       // the request itself makes no sense
};

struct Error {
  ErrorKind kind = ErrorKind::io;
  // What was expected and what was found; a sentence without final stop.
  std::string message;
  // File, peer or channel, as the user named it; may be empty.
  std::string where = {};
  // Byte offset inside `where`.
  std::optional<uint64_t> offset = {};
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// One line: "WHERE: at 0x1f40: MESSAGE".
[[nodiscard]] std::string describe(const Error& error);

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind,
                                                std::string message) {
  return fail(Error{kind, std::move(message)});
}

// An io error with errno's text; `action` is such as "open FILE".
[[nodiscard]] tl::unexpected<Error> fail_errno(const std::string& action,
                                               int errno_value);

} // namespace migscope
