// What `qemu-system-... -dump-vmstate FILE` writes: the vmstates of all device
// types that the binary knows (QEMU migration/savevm.c,
// dump_vmstate_json_to_file, 7.2 to 11.1).
//
// It says names, versions and sizes in memory. It does not say codecs, the
// lengths of arrays whose length varies (7.2: of any), or whether conditional
// fields and subsections are there. So it lends names and sizes only, and only
// where they fit: the fields that are there in any case, and the subsections
// that the wire names itself, have to make up the device's state exactly.
#pragma once

#include "captures/vmstate/description.h"

#include <map>

namespace migscope::captures {

class DumpVmstate {
public:
  // Fails (malformed) where the text is none.
  [[nodiscard]] static Result<DumpVmstate> parse(std::string_view json);

  // The description of a state whose plain fields are all of type "unknown".
  // Fails (unsupported), saying why, where none fits.
  [[nodiscard]] Result<DescribedDevice>
  fit(std::string_view vmsd_name, uint32_t version,
      std::span<const std::byte> body) const;

  struct Field;
  // As it is written: a vmstate that a device may have.
  struct State {
    std::string name;
    uint32_t version = 0;
    std::vector<Field> fields;
    std::vector<State> subsections;
  };
  struct Field {
    std::string name;
    uint32_t since = 0; // version of the state that it came with
    bool conditional = false;
    uint64_t elements = 1;
    uint64_t size = 0;         // bytes of one element
    std::vector<State> nested; // one for a struct
  };

private:
  std::map<std::string, State, std::less<>> states_; // by vmsd name
};

} // namespace migscope::captures
