// The machine behind decode_values(), for its own sources only.
#pragma once

#include "captures/vmstate/values.h"

namespace migscope::captures {

class ValueDecoder {
public:
  ValueDecoder(std::span<const std::byte> body, uint64_t origin)
      : body_(body), origin_(origin), end_(body.size()) {}

  void device(const DescribedState& state);
  [[nodiscard]] DeviceValues take() { return std::move(out_); }

private:
  using Row = std::span<const DescribedField>;

  // Each takes its bytes from at_ on, up to end_ at most, and is false where it
  // cannot tell what the rest up to end_ is.
  bool state(const DescribedState& state, std::vector<Value>& out);
  bool row(Row row, std::vector<Value>& out);
  bool rows_of(Row row, Value& array);
  bool item(const DescribedField& field, Value& out);
  bool subsection(const DescribedState& state, std::vector<Value>& out);
  bool nested(const DescribedField& field, std::vector<Value>& out);
  bool queue(const DescribedField& field, std::vector<Value>& out);
  bool tree(const DescribedField& field, std::vector<Value>& out);
  bool tree_node(std::span<const DescribedState> states,
                 std::vector<Value>& out);
  bool node(const DescribedState& state, std::string_view name, Value& out);
  bool queue_byte(uint8_t expected);
  bool scalar(const DescribedField& field, Value& out);
  bool plain_array(const DescribedField& field, Value& out);

  // Runs `fill` on the next `size` bytes and takes them all, come what may.
  template <typename Fill>
  void region(uint64_t size, std::vector<Value>& out, Fill fill);
  void rest(std::vector<Value>& out);

  [[nodiscard]] size_t left() const { return end_ - at_; }
  [[nodiscard]] std::span<const std::byte> take_bytes(size_t count);
  [[nodiscard]] bool has(uint64_t bytes);
  [[nodiscard]] bool may_add();
  [[nodiscard]] bool may_split(size_t elements);
  void problem(size_t at, std::string message);
  void check_booleans(const Value& value);

  struct Step {
    std::string_view name;       // of a member, or
    std::optional<size_t> index; // of an element
  };
  // Names a step of the path while it lives.
  class Named {
  public:
    Named(ValueDecoder& decoder, Step step) : path_(decoder.path_) {
      path_.push_back(step);
    }
    ~Named() { path_.pop_back(); }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;

  private:
    std::vector<Step>& path_;
  };

  std::span<const std::byte> body_;
  uint64_t origin_;
  size_t at_ = 0;
  size_t end_;
  size_t count_ = 0;    // values so far
  size_t elements_ = 0; // of arrays of plain values, so far
  std::vector<Step> path_;
  DeviceValues out_;
};

} // namespace migscope::captures
