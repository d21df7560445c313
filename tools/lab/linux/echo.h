#pragma once

// Begins to answer, in a process of its own. Without a network nothing does.
void start_echo(void);
