// The JSON description. Options: none; the input is the end of a stream, or a
// description by itself.
#include "captures/vmstate/description.h"

#include "tests/fuzz/fuzz_input.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  auto bytes = input.rest();
  auto found = find_description(bytes);
  if (found)
    require(found->data() + found->size() == text_of(bytes).data() + size,
            "a description stands at the end");
  auto parsed = parse_description(found.value_or(text_of(bytes)));
  if (!parsed)
    require(parsed.error().kind == ErrorKind::malformed,
            "a bad description is malformed");
  return 0;
}
