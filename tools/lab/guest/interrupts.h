// One interrupt is in use: the timer's, a thousand times a second, and only
// while the processor idles.
#pragma once

void interrupts_init(void); // before paging is on

// Sleeps until the next tick. Interrupts are off everywhere else.
void idle_until_tick(void);
