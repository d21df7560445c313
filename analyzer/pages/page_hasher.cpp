#include "analyzer/pages/page_hasher.h"

#include <xxhash.h>

namespace migscope::analyzer {

using captures::PageItem;
using captures::PageKind;

namespace {

// A few hundred microseconds of work: enough to outweigh handing it over.
constexpr size_t kJobContents = 512;
constexpr size_t kJobPages = 8192;
// Bytes of pieces that are kept: one may hold but one of the pages. Of a job,
// and of all together.
constexpr size_t kJobKept = 16u << 20;
constexpr size_t kMostKept = 64u << 20;

} // namespace

uint64_t content_digest(std::span<const std::byte> content) {
  uint64_t digest = XXH3_64bits(content.data(), content.size());
  return digest ? digest : 1;
}

uint64_t zeros_digest(uint32_t page_size) {
  return content_digest(std::vector<std::byte>(page_size));
}

// Pages in stream order, and where the contents stand that are to be hashed.
struct PageHasher::Job {
  struct Unhashed {
    std::span<const std::byte> content;
    size_t page = 0; // index into pages
  };

  void hash_all() {
    for (const Unhashed& unhashed : contents)
      pages[unhashed.page].digest = content_digest(unhashed.content);
    kept.clear(); // letting go of a piece takes time, too
  }

  void clear() {
    pages.clear();
    contents.clear();
    kept.clear();
    kept_bytes = 0;
    copies.clear();
    task.reset();
  }

  std::vector<HashedPage> pages;
  std::vector<Unhashed> contents;
  std::vector<std::shared_ptr<const void>> kept;
  size_t kept_bytes = 0;
  std::vector<std::unique_ptr<std::byte[]>> copies;
  TaskPool::Handle task; // null where nothing is to be hashed
};

PageHasher::PageHasher(TaskPool& pool, Content content, uint32_t page_size,
                       Sink sink)
    : pool_(pool), content_(content), page_size_(page_size),
      sink_(std::move(sink)), zero_digest_(zeros_digest(page_size)),
      open_(std::make_unique<Job>()) {}

PageHasher::~PageHasher() {
  // A thread may be at work on one.
  for (const auto& job : begun_)
    if (job->task)
      pool_.wait(job->task);
}

void PageHasher::set_piece(std::span<const std::byte> piece,
                           const std::shared_ptr<const void>& keep) {
  piece_ = keep ? piece : std::span<const std::byte>();
  keep_ = keep;
}

void PageHasher::add(std::span<const PageItem> pages, uint32_t section) {
  for (const PageItem& page : pages) {
    open_->pages.push_back({page.address / page_size_, digest(page), page.block,
                            section, page.wire_bytes});
    if (open_->pages.size() == kJobPages ||
        open_->contents.size() == kJobContents || open_->kept_bytes >= kJobKept)
      seal();
  }
}

// 0 where the content is not known, or not yet.
uint64_t PageHasher::digest(const PageItem& page) {
  if (page.kind == PageKind::zero)
    return zero_digest_;
  // Empty where it could not be read.
  if (page.kind != PageKind::normal || page.content.empty() ||
      content_ == Content::ignored)
    return 0;
  if (pool_.threads() == 1)
    return content_digest(page.content);
  keep(page.content);
  return 0;
}

void PageHasher::keep(std::span<const std::byte> content) {
  Job& job = *open_;
  // Whatever the addresses are of, they can be compared so.
  std::less_equal<const std::byte*> up_to;
  bool stays =
      up_to(piece_.data(), content.data()) &&
      up_to(content.data() + content.size(), piece_.data() + piece_.size());
  if (!stays) {
    job.copies.push_back(
        std::make_unique_for_overwrite<std::byte[]>(content.size()));
    std::ranges::copy(content, job.copies.back().get());
    content = {job.copies.back().get(), content.size()};
  } else if (job.kept.empty() || job.kept.back() != keep_) {
    job.kept.push_back(keep_);
    job.kept_bytes += piece_.size();
  }
  job.contents.push_back({content, job.pages.size()});
}

void PageHasher::seal() {
  Job* job = open_.get();
  if (!job->contents.empty())
    job->task = pool_.start([job] { job->hash_all(); });
  kept_bytes_ += job->kept_bytes;
  begun_.push_back(std::exchange(open_, nullptr));
  // As many as keep the threads busy while the oldest is told of.
  while (begun_.size() > 4 * pool_.threads() || kept_bytes_ > kMostKept ||
         (!begun_.empty() && !begun_.front()->task))
    retire();
  open_ = new_job();
}

void PageHasher::retire() {
  std::unique_ptr<Job> job = std::move(begun_.front());
  begun_.pop_front();
  if (job->task)
    pool_.wait(job->task);
  sink_(job->pages);
  kept_bytes_ -= job->kept_bytes;
  job->clear();
  spare_.push_back(std::move(job));
}

void PageHasher::finish() {
  seal();
  while (!begun_.empty())
    retire();
}

std::unique_ptr<PageHasher::Job> PageHasher::new_job() {
  if (spare_.empty())
    return std::make_unique<Job>();
  std::unique_ptr<Job> job = std::move(spare_.back());
  spare_.pop_back();
  return job;
}

} // namespace migscope::analyzer
