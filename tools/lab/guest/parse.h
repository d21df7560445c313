// Numbers and names out of text. Every function says whether the whole of
// `text` was what it looks for; `value` changes only then.
#pragma once

#include "console.h"

bool same_text(struct slice text, const char* name);

// Takes what stands before the separator (all, where there is none) off `rest`.
// False when nothing is left.
bool split(struct slice* rest, char separator, struct slice* piece);

bool parse_number(struct slice text, uint64_t* value);   // 12, 0x1f
bool parse_size(struct slice text, uint64_t* value);     // 64K, 16M, 2G
bool parse_duration(struct slice text, uint32_t* value); // 250ms, 5s, in ms
bool parse_fraction(struct slice text, uint32_t* value); // 1.25, in 1/65536
bool parse_choice(struct slice text, const char* const* names, uint32_t count,
                  uint32_t* value);
