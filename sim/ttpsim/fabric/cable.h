// One direction of a cable: what goes in comes out so many clocks later.
//
// The two ends need not be in step. As nothing that goes in at or after a clock T comes out before
// T + delay, either end may run a window of so many clocks by itself, in any order and in another
// process.
#pragma once

#include <bit>
#include <vector>

#include "archive.h"

namespace ttp::fabric {

// A beat on its way to another process.
struct Travel {
    uint32_t cable = 0;
    uint64_t clock = 0;                 // in which it was sent
    Beat beat;
};

class Cable {
public:
    Cable(int delay, int window)
        : delay_(delay), ring_(std::bit_ceil(size_t(delay + window))), mask_(ring_.size() - 1) {}

    // What is sent in this clock, once in each clock.
    void put(uint64_t clock, const Beat &b) {
        if (!b.valid) ring_[clock & mask_].valid = false;
        else if (away_) away_->push_back({number_, clock, b});
        else ring_[clock & mask_] = b;
    }
    // What comes in this clock.
    const Beat &at(uint64_t clock) const { return ring_[(clock - delay_) & mask_]; }

    // The far end is in another process: beats go there.
    void send_away(std::vector<Travel> &away, uint32_t number) {
        away_ = &away;
        number_ = number;
    }
    // The near end is: nothing was sent in these clocks but what `came` says then.
    void blank(uint64_t from, uint64_t to) {
        for (uint64_t clock = from; clock < to; ++clock) ring_[clock & mask_].valid = false;
    }
    void came(const Travel &t) { ring_[t.clock & mask_] = t.beat; }

    // True if nothing is under way at the begin of this clock.
    bool idle(uint64_t clock) const {
        for (uint64_t back = 1; back <= delay_ && back <= clock; ++back)
            if (ring_[(clock - back) & mask_].valid) return false;
        return true;
    }

    void state(Archive &a) { a & ring_; }

private:
    uint64_t delay_;
    std::vector<Beat> ring_;
    size_t mask_;
    std::vector<Travel> *away_ = nullptr;
    uint32_t number_ = 0;
};

}  // namespace ttp::fabric
