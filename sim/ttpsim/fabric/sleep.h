// Engines that have had no input since reset: one of them is evaluated for all.
//
// The state of such an engine follows from its registers, node number, random bits and the clock;
// what memories hold after reset is the same for all engines of a run. So one that sleeps is left
// out, and takes the state of the one that goes on when something comes, but for what was different
// after reset: numbers and seeds, which stay, and random bits, which are a shift register.
#pragma once

#include <span>

#include "edge.h"
#include "host.h"

namespace ttp::fabric { inline namespace TTP_MODEL {

// All that a model is: from its begin to the pointers at its end.
inline std::span<char> state_of(Engine &e) {
    auto *root = e.top->rootp;
    return {reinterpret_cast<char *>(root), reinterpret_cast<char *>(&root->vlSymsp)};
}

class Sleep {
public:
    // `engine`: after reset, with the registers of those that it goes on for.
    Sleep(const Settings &settings, std::unique_ptr<Engine> engine)
        : s_(settings), engine_(std::move(engine)) {
        const auto state = state_of(*engine_);
        begin_.assign(state.begin(), state.end());
    }

    // To what is soon enough for who wakes in this clock or later.
    void run(uint64_t clock) {
        if (!waiting) return;
        for (; at_ + behind() < clock; ++at_) {
            quiet(*engine_, at_);
            if (engine_->tx().valid || engine_->event().stats || engine_->top->m_notice_tvalid
                || engine_->dropped() != -1)
                throw Failure{"an engine without work does something"};
            edge(*engine_);
        }
    }
    // An engine as after reset becomes what it would be at the begin of this clock.
    void wake(Engine &e, uint64_t clock) const {
        const auto from = state_of(*engine_), to = state_of(e);
        const uint32_t random = e.random_bits() ? *e.random_bits() : 0;
        for (size_t n = 0; n < to.size(); ++n) if (to[n] == begin_[n]) to[n] = from[n];
        if (e.random_bits()) *e.random_bits() = shifted(random, at_);
        for (uint64_t now = at_; now < clock; ++now) {
            quiet(e, now);
            edge(e);
        }
        if (e.random_bits() && *e.random_bits() != shifted(random, clock))
            throw Failure{"an engine that has slept does not have its random bits"};
    }
    void state(Archive &a) {
        const auto state = state_of(*engine_);
        a & at_;
        a.raw(state.data(), state.size());
    }

    int waiting = 0;                    // engines that sleep

private:
    // So many clocks each engine makes up for by itself: until nothing is left of other random
    // bits. They go into the pipeline with each visit of the timer.
    uint64_t behind() const {
        return std::max<uint64_t>(2, engine_->top->cfg_timer_tick) + PIPELINE;
    }
    // A clock in which nothing comes and nothing is offered.
    void quiet(Engine &e, uint64_t clock) const {
        e.rx(Beat{});
        for (int vc = 0; vc < VCS; ++vc) e.host_ready(vc, Host::reads(s_.host, vc, clock));
        e.low();
    }
    void edge(Engine &e) const { clock_edge({&e}, s_.batch); }

    // `control.py`: taps 24, 23, 22, 17.
    static uint32_t shifted(uint32_t bits, uint64_t clocks) {
        for (; clocks; --clocks)
            bits = (bits << 1 | ((bits >> 23 ^ bits >> 22 ^ bits >> 21 ^ bits >> 16) & 1)) & 0xFFFFFF;
        return bits;
    }

    static constexpr int PIPELINE = 64;         // clocks, more than any way through it has
    const Settings &s_;
    std::unique_ptr<Engine> engine_;
    std::vector<char> begin_;                   // its state after reset
    uint64_t at_ = 0;                           // clock that it is at the begin of
};

} }  // namespace ttp::fabric
