// Many engines of one configuration that go through each clock together, as lanes of one model
// (`native/lanes.py`). Their memories stay in the models that they come from.
#pragma once

#include <array>
#include <vector>

#include "engine.h"
#include "engine_lanes.h"       // generated: sim/ttpsim/native/lanes.py

namespace ttp::fabric { inline namespace TTP_MODEL {

#ifdef LANES_KNOWN
using Lane = Ports<LaneView>;

class Lanes {
public:
    static constexpr int MOST = LANES;
    // With fewer it is faster to evaluate each engine by itself: a lane that nobody has costs as
    // much as the others.
    static constexpr int LEAST = (LANES + 3) / 4;

    // `filler`: an engine after reset for lanes that nobody has.
    explicit Lanes(Engine &filler) : bank_(std::make_unique<LaneBank>()) {
        for (int l = 0; l < LANES; ++l) bring(l, filler);
    }
    // The engine's state is here from now on, all but its memories.
    Lane &bring(int l, Engine &e) {
        bank_->load(l, *e.top->rootp);
        bank_->roots[l] = e.top->rootp;
        lanes_[l].top = std::make_unique<LaneView>(*bank_, l, e.top->rootp);
        return lanes_[l];
    }
    // A copy of the state to where it came from.
    void copy(int l) const { bank_->store(l, *bank_->roots[l]); }
    void low() { lanes_low(*bank_); }
    void edge() { lanes_edge(*bank_); }

private:
    std::unique_ptr<LaneBank> bank_;
    std::array<Lane, LANES> lanes_;
};
#else
// What Verilator writes is not known: every engine is evaluated by itself.
using Lane = Engine;

class Lanes {
public:
    static constexpr int MOST = 16, LEAST = MOST + 1;
    explicit Lanes(Engine &) {}
    Lane &bring(int, Engine &e) { return e; }
    void copy(int) const {}
    void low() {}
    void edge() {}
};
#endif

} }  // namespace ttp::fabric
