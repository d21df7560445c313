#include "tests/captures/containers/qcow2_builder.h"

#include <algorithm>
#include <tuple>

namespace migscope::test {
namespace {

class Writer {
public:
  explicit Writer(Qcow2Builder& spec) : spec_(spec) {}
  Bytes write();

private:
  size_t cluster() const { return size_t{1} << spec_.cluster_bits; }
  size_t allocate(size_t bytes);
  void put(size_t at, uint64_t value, unsigned size);
  void add_header();
  void add_tables(BuiltSnapshot& snapshot);
  void add_cluster(BuiltSnapshot& snapshot, size_t index, size_t table);
  void add_entry(BuiltSnapshot& snapshot, size_t& at, size_t id);

  Qcow2Builder& spec_;
  Bytes out_;
  size_t l1_offset_ = 0, l1_entries_ = 0; // of the snapshot in hand
};

void Writer::put(size_t at, uint64_t value, unsigned size) {
  put_be(out_, at, value, size);
}

// Whole clusters at the end.
size_t Writer::allocate(size_t bytes) {
  size_t at = out_.size();
  out_.resize(at + (bytes + cluster() - 1) / cluster() * cluster());
  return at;
}

void Writer::add_cluster(BuiltSnapshot& snapshot, size_t index, size_t table) {
  unsigned entry_bytes = spec_.extended_l2 ? 16 : 8;
  size_t per_table = cluster() / entry_bytes;
  size_t at = table + index % per_table * entry_bytes;
  snapshot.l2_at.push_back(at);
  size_t begin = index * cluster();
  size_t count = std::min(cluster(), snapshot.state.size() - begin);
  auto from = snapshot.state.begin() + static_cast<ptrdiff_t>(begin);
  auto to = from + static_cast<ptrdiff_t>(count);
  if (std::all_of(from, to, [](std::byte b) { return b == std::byte{0}; }))
    return;
  size_t data = allocate(cluster());
  std::copy(from, to, out_.begin() + static_cast<ptrdiff_t>(data));
  put(at, data, 8);
  if (spec_.extended_l2)
    put(at + 8, 0xffffffff, 8);
}

void Writer::add_tables(BuiltSnapshot& snapshot) {
  size_t per_table = cluster() / (spec_.extended_l2 ? 16 : 8);
  size_t span = per_table * cluster();
  size_t before = (spec_.disk_bytes + span - 1) / span;
  size_t clusters = (snapshot.state.size() + cluster() - 1) / cluster();
  l1_entries_ = before + (clusters + per_table - 1) / per_table;
  l1_offset_ = allocate(l1_entries_ * 8);
  snapshot.l1_at = l1_offset_ + before * 8;
  for (size_t i = 0, table = 0; i < clusters; i++) {
    if (i % per_table == 0) {
      table = allocate(cluster());
      put(snapshot.l1_at + i / per_table * 8, table, 8);
    }
    add_cluster(snapshot, i, table);
  }
}

void Writer::add_entry(BuiltSnapshot& snapshot, size_t& at, size_t id) {
  std::string id_text = std::to_string(id);
  size_t extra = spec_.extra_data ? 16 : 0;
  size_t bytes = 40 + extra + id_text.size() + snapshot.name.size();
  out_.resize(std::max(out_.size(), at + (bytes + 7) / 8 * 8));
  snapshot.entry_at = at;
  put(at, l1_offset_, 8);
  put(at + 8, l1_entries_, 4);
  put(at + 12, id_text.size(), 2);
  put(at + 14, snapshot.name.size(), 2);
  put(at + 32, snapshot.state.size(), 4);
  put(at + 36, extra, 4);
  if (spec_.extra_data) {
    put(at + 40, snapshot.state.size(), 8);
    put(at + 48, spec_.disk_bytes, 8);
  }
  std::string text = id_text + snapshot.name;
  std::ranges::copy(testing::bytes_of(text),
                    out_.begin() + static_cast<ptrdiff_t>(at + 40 + extra));
  at += (bytes + 7) / 8 * 8;
}

void Writer::add_header() {
  allocate(cluster());
  put(0, 0x514649fb, 4);
  put(4, spec_.version, 4);
  put(20, spec_.cluster_bits, 4);
  put(24, spec_.disk_bytes, 8);
  put(60, spec_.snapshots.size(), 4);
  if (spec_.version == 3) {
    put(72, spec_.extended_l2 ? 0x10 : 0, 8);
    put(100, 104, 4);
  }
}

Bytes Writer::write() {
  add_header();
  std::vector<std::pair<size_t, size_t>> l1s;
  for (BuiltSnapshot& snapshot : spec_.snapshots) {
    snapshot.l2_at.clear();
    add_tables(snapshot);
    l1s.emplace_back(l1_offset_, l1_entries_);
  }
  size_t at = allocate(1);
  put(64, at, 8);
  for (size_t i = 0; i < spec_.snapshots.size(); i++) {
    std::tie(l1_offset_, l1_entries_) = l1s[i];
    add_entry(spec_.snapshots[i], at, i + 1);
  }
  return std::move(out_);
}

} // namespace

Bytes Qcow2Builder::build() {
  return Writer(*this).write();
}

} // namespace migscope::test
