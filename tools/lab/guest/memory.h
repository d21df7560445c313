// Where cold and hot memory lie in guest-physical space.
#pragma once

#include "area.h"
#include "multiboot.h"

// Takes cold memory and then hot memory from the machine's RAM at and above
// config->base. Ends the guest with an ERROR line where there is too little.
void lay_out_memory(const struct multiboot_info* info,
                    const struct config* config, struct area* cold,
                    struct area* hot);
