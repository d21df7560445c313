// Opens whatever a user calls a capture: a session directory, a bare stream, a
// libvirt save image, a qcow2 image with a saved state, any of them compressed,
// from a file or a pipe.
#pragma once

#include "captures/byte_source.h"
#include "captures/session/manifest.h"

#include <filesystem>
#include <memory>

namespace migscope::captures {

// Told by what it is and how it begins; "-" is standard input. A qcow2 image
// with several saved states is opened as IMAGE#NAME, with the snapshot's name
// or id; a stream behind other bytes as FILE,offset=N, as QEMU was told to
// write it ("migrate file:FILE,offset=N"). What is none of the above is opened
// as bytes, for its reader to name.
[[nodiscard]] Result<std::unique_ptr<ByteSource>>
open_source(const std::filesystem::path& path);

// One stream connection of a recording.
struct RecordedChannel {
  std::string name; // file name, for messages
  std::filesystem::path path;
  // Where its other direction was stored.
  std::optional<std::filesystem::path> return_path = {};
  // Its arrivals are on the clock of the session that tells of the migration.
  bool timed = true;
};

// What a session directory says of itself.
struct RecordedSession {
  std::filesystem::path directory; // for messages; empty where it is clear
  Manifest manifest;
};

// What stands under the paths that a user gave.
struct Recording {
  std::filesystem::path path;
  // None for a bare stream. The first tells of the migration; all tell of what
  // they hold.
  std::vector<RecordedSession> sessions;
  std::optional<std::filesystem::path> monitor_log, flow_log, thread_log;
  std::vector<std::filesystem::path> unread_monitor_logs; // further ones
  std::optional<std::filesystem::path> probe_log;
  // What the QEMUs wrote to their own logs.
  std::optional<std::filesystem::path> source_log, destination_log;
  // What the guest printed at either end (`migscope lab`).
  std::optional<std::filesystem::path> source_console, destination_console;
  std::vector<RecordedChannel> channels; // source to destination

  // A log's, for messages: with its session where there may be several.
  [[nodiscard]] std::string name_of(const std::filesystem::path& log) const {
    bool one = sessions.empty() || sessions.front().directory.empty();
    return (one ? log.filename() : log).string();
  }

  // Null for a bare stream.
  [[nodiscard]] const Manifest* manifest() const {
    return sessions.empty() ? nullptr : &sessions.front().manifest;
  }
};

// Fails where there is nothing to read, saying what the path is instead.
[[nodiscard]] Result<Recording>
open_recording(const std::filesystem::path& path);

} // namespace migscope::captures
