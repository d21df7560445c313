// Digests of the pages of a stream, made by all threads of a pool while the
// stream is read on, and told of in stream order.
//
// Content is hashed where it stands: only what its piece does not keep (see
// StreamEvents::on_piece), such as a page that lies across two pieces, is
// copied.
#pragma once

#include "base/task_pool.h"
#include "captures/stream/events.h"

namespace migscope::analyzer {

// XXH3; never 0, which stands for unknown.
[[nodiscard]] uint64_t content_digest(std::span<const std::byte> content);
[[nodiscard]] uint64_t zeros_digest(uint32_t page_size);

// A page as the ledger takes it.
struct HashedPage {
  uint64_t page = 0;   // index in the block
  uint64_t digest = 0; // of the content; 0: unknown
  uint32_t block = 0;
  uint32_t section = 0; // index of the RAM section
  uint32_t wire_bytes = 0;
};

// How contents are looked at.
enum class Content : uint8_t { hashed, ignored };

class PageHasher {
public:
  using Sink = std::function<void(std::span<const HashedPage>)>;

  // `pool` outlives this; `sink` is called by add() and finish().
  PageHasher(TaskPool& pool, Content content, uint32_t page_size, Sink sink);
  ~PageHasher();
  PageHasher(const PageHasher&) = delete;
  PageHasher& operator=(const PageHasher&) = delete;

  // As StreamEvents::on_piece.
  void set_piece(std::span<const std::byte> piece,
                 const std::shared_ptr<const void>& keep);
  void add(std::span<const captures::PageItem> pages, uint32_t section);
  // Of a page of zeros.
  [[nodiscard]] uint64_t zero_digest() const { return zero_digest_; }
  // Tells of all that were added.
  void finish();

private:
  struct Job;

  [[nodiscard]] uint64_t digest(const captures::PageItem& page);
  void keep(std::span<const std::byte> content);
  void seal();
  void retire();
  [[nodiscard]] std::unique_ptr<Job> new_job();

  TaskPool& pool_;
  Content content_;
  uint32_t page_size_;
  Sink sink_;
  uint64_t zero_digest_;
  std::span<const std::byte> piece_;
  std::shared_ptr<const void> keep_;
  std::unique_ptr<Job> open_;
  std::deque<std::unique_ptr<Job>> begun_; // oldest first
  size_t kept_bytes_ = 0;                  // by them
  std::vector<std::unique_ptr<Job>> spare_;
};

} // namespace migscope::analyzer
