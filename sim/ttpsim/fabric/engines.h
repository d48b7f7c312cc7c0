// The engines of one configuration that a process has. What is behind it is compiled for each
// configuration by itself (engines.cpp), so that a run may have several.
#pragma once

#include "node.h"

namespace ttp::fabric {

// Clocks of engines: those that were not evaluated, and those that were as one of many lanes.
struct EngineClocks {
    uint64_t skipped = 0, in_lanes = 0;

    void add(const EngineClocks &c) {
        skipped += c.skipped;
        in_lanes += c.in_lanes;
    }
};

class Engines {
public:
    virtual ~Engines() = default;
    virtual void add(Node &node) = 0;
    // Until all of them are ready.
    virtual void reset() = 0;
    // Nodes and engines in clocks `from` to `to` - 1.
    virtual void run(uint64_t from, uint64_t to) = 0;
    virtual void state(Archive &a) = 0;
    virtual EngineClocks clocks() const = 0;
    virtual uint64_t state_bytes() const = 0;
    // Nothing waits for an acknowledgement.
    virtual bool idle() const = 0;
};

struct Kind {
    int links, tick;                    // tick: clocks between two visits of the link timer
    std::unique_ptr<Engines> (*make)(const Settings &);
};

}  // namespace ttp::fabric

#include "kinds.h"                      // generated: sim/ttpsim/fabric/program.py
