// What a run takes of the machine: processor time, and memory.
#pragma once

#include <sys/resource.h>

#include "archive.h"
#include "progress.h"

namespace ttp::fabric {

// Of one process; a checkpoint keeps it, so that a run that went on has all of it.
struct Cost {
    double all = 0;             // seconds of processor time, but for this process's own so far
    double work = 0;            // of nodes and switches
    double switches = 0;        // of switches alone
    double between = 0;         // from window to window: exchange and measuring, no checkpoint
    double busiest = 0;         // work of the process that has most of it
    uint64_t state_bytes = 0;   // of the engines
    uint64_t memory_bytes = 0;  // the most that there was at a time

    // With what this process has taken by now.
    Cost now() const {
        Cost found = *this;
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        found.all += Progress::cpu_seconds();
        found.memory_bytes = uint64_t(used.ru_maxrss) * 1024;
        found.busiest = work;
        return found;
    }
    void state(Archive &a) {
        Cost kept = a.saving ? now() : Cost{};
        a & kept.all & kept.work & kept.between;
        if (a.saving) return;
        all = kept.all;
        work = kept.work;
        between = kept.between;
    }
    void add(const Cost &c) {
        all += c.all;
        work += c.work;
        switches += c.switches;
        between += c.between;
        busiest = std::max(busiest, c.busiest);
        state_bytes += c.state_bytes;
        memory_bytes += c.memory_bytes;
    }
};

}  // namespace ttp::fabric
