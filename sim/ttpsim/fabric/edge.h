// The clock edge of all engines: each by itself, or in parts that serve all of them in turn.
#pragma once

#include <memory>
#include <vector>

#include "engine.h"
#include "engine_batch.h"       // generated: sim/ttpsim/native/batch.py

namespace ttp::fabric {

// A null is left out. No input but the clock has changed since `low` of each engine, so that in
// parts nothing has to be settled before the edge; what comes out is the same (test_fabric).
inline void clock_edge(const std::vector<std::unique_ptr<Engine>> &engines,
                       [[maybe_unused]] bool in_parts) {
#ifdef BATCH
    if (in_parts) {
        for (auto &e : engines) {
            if (!e) continue;
            e->top->clk = 1;
            BATCH_TRIGGERS(e->top->rootp);
        }
        for (auto part : BATCH_GROUPS)
            for (auto &e : engines) if (e) part(e->top->rootp);
        for (auto &e : engines) if (e) BATCH_CLEAR(e->top->rootp->__VnbaTriggered);
        return;
    }
#endif
    for (auto &e : engines) if (e) e->high();
}

}  // namespace ttp::fabric
