// The clock edge of some engines: each by itself, or in parts that serve all of them in turn.
#pragma once

#include <vector>

#include "engine.h"
#include "engine_batch.h"       // generated: sim/ttpsim/native/batch.py

namespace ttp::fabric {

// No input but the clock has changed since `low` of each engine, so that in parts nothing has to be
// settled before the edge; what comes out is the same (test_fabric).
static inline void clock_edge(const std::vector<Engine *> &engines,
                              [[maybe_unused]] bool in_parts) {
#ifdef BATCH
    if (in_parts) {
        for (Engine *e : engines) {
            e->top->clk = 1;
            BATCH_TRIGGERS(e->top->rootp);
        }
        for (auto part : BATCH_GROUPS) for (Engine *e : engines) part(e->top->rootp);
        for (Engine *e : engines) BATCH_CLEAR(e->top->rootp->__VnbaTriggered);
        return;
    }
#endif
    for (Engine *e : engines) e->high();
}

}  // namespace ttp::fabric
