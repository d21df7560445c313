// The JSON description and the values it gives names to. Options: be16, the
// length of the devices' bodies, which come first; then the end of a stream, or
// a description by itself.
#include "captures/vmstate/description.h"

#include "captures/vmstate/values.h"
#include "captures/vmstate/virtio.h"
#include "tests/fuzz/fuzz_input.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

constexpr uint64_t kOrigin = 0x12000;

// Values lie in `outer`, in wire order, each where its offset says.
void check_values(const std::vector<Value>& values,
                  std::span<const std::byte> outer, uint64_t offset) {
  const std::byte* at = outer.data();
  for (const Value& value : values) {
    const std::byte* end = outer.data() + outer.size();
    require(value.bytes.empty() ||
                (value.bytes.data() >= at && value.bytes.data() <= end &&
                 value.bytes.size() <=
                     static_cast<size_t>(end - value.bytes.data())),
            "values lie in their bytes, in order");
    if (value.bytes.empty())
      continue;
    require(value.offset ==
                offset + static_cast<size_t>(value.bytes.data() - outer.data()),
            "a value stands at its offset");
    at = value.bytes.data() + value.bytes.size();
    check_values(value.children, value.bytes, value.offset);
    if (value.kind == ValueKind::array && element_count(value) > 0)
      (void)element(value, element_count(value) - 1);
  }
}

// Every byte is in a value, once.
void check_whole(const std::vector<Value>& values,
                 std::span<const std::byte> body) {
  size_t bytes = 0;
  for (const Value& value : values)
    bytes += value.bytes.size();
  require(bytes == body.size(), "the values are all of the body");
}

void decode(const DescribedDevice& device, std::span<const std::byte> body) {
  auto decoded = decode_values(device, body, kOrigin);
  check_values(decoded.values, body, kOrigin);
  check_whole(decoded.values, body);
  for (const ValueProblem& problem : decoded.problems)
    require(problem.offset >= kOrigin &&
                problem.offset <= kOrigin + body.size(),
            "a problem lies in the body");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  auto bodies = input.take(input.be16());
  check_values(decode_virtio(bodies, kOrigin), bodies, kOrigin);
  auto found = find_description(input.rest());
  auto text = text_of(input.rest());
  if (found)
    require(text.ends_with(*found) && found->end() == text.end(),
            "a description stands at the end");
  auto parsed = parse_description(found.value_or(text));
  if (!parsed) {
    require(parsed.error().kind == ErrorKind::malformed,
            "a bad description is malformed");
    return 0;
  }
  for (const DescribedDevice& device : parsed->devices) {
    // A copy of exactly that size lets the address sanitizer see overruns.
    auto part =
        bodies.first(std::min<uint64_t>(device.body_bytes, bodies.size()));
    bodies = bodies.subspan(part.size());
    decode(device, std::vector<std::byte>(part.begin(), part.end()));
  }
  return 0;
}
