// The guest's life after READY: dirties pages at the rate asked for, reports,
// and sleeps in between.
#pragma once

#include "area.h"
#include "config.h"

_Noreturn void run_workload(const struct config* config,
                            const struct area* hot);
