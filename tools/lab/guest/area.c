#include "area.h"

#include "content.h"
#include "paging.h"

uint64_t page_address(const struct area* area, uint32_t page) {
  uint64_t offset = (uint64_t)page << kPageShift;
  const struct range* part = area->parts;
  for (; offset >= part->end - part->start; ++part)
    offset -= part->end - part->start;
  return part->start + offset;
}

// `0x1000000-0x2000000,0x100000000-0x100400000`, or `none`.
static void put_area(struct line* line, const struct area* area) {
  if (area->part_count == 0)
    put_text(line, "none");
  for (uint32_t i = 0; i < area->part_count; ++i) {
    if (i > 0)
      put_text(line, ",");
    put_hex(line, area->parts[i].start);
    put_text(line, "-");
    put_hex(line, area->parts[i].end);
  }
}

void fill_area(const struct area* area, enum content content) {
  for (uint32_t page = 0; page < area->pages; ++page) {
    uint64_t address = page_address(area, page);
    fill_page(map_page(address), (uint32_t)(address >> kPageShift), content);
  }
}

void put_ready(struct line* line, const struct area* cold,
               const struct area* hot) {
  put_text(line, "READY cold=");
  put_area(line, cold);
  put_text(line, " hot=");
  put_area(line, hot);
}
