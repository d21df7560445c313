// What stands in a page. Everything follows from the page's own header, so
// that whoever holds a page can tell whether it is right; README.md has the
// rules.
#pragma once

#include "config.h"

struct page_header {
  uint32_t kind;   // kind_of() a content; 0 in a page of zeros
  uint32_t frame;  // guest-physical address / 4096
  uint32_t writes; // since the page was filled or last held zeros
  uint32_t seed;
};

void content_init(uint32_t seed);

// The first content of a page, `writes` 0.
void fill_page(uint32_t* page, uint32_t frame, enum content content);

// One more write to a page that was filled before.
void write_page(uint32_t* page, uint32_t frame, enum content content);
