// Slots of acknowledged packets: one is free with the ACK, two or more that are left in runs along
// which the retirer walks (rtl/ttpoe/replay/retirer.py), a single one at a visit of the link.
#pragma once

#include "door.h"

namespace ttp::packet {

// Slots from the head of its list that the walk has behind it, for an event that enters now: the
// next ones one by one from a clock on, those not counted that were freed meanwhile.
inline int Engine::passed() const {
    const int64_t since = now() + clocks::JUDGED - walk_hops_from_;
    const int hops = since < 0 ? 0 : std::min<int64_t>(walk_hops_, since / clocks::HOP + 1);
    return walk_slots_ + hops - walk_freed_;
}

// Somebody walks along the slots in front, so that no event may free them one by one.
inline bool Engine::keeps_slots(const Link &l, uint32_t number) const {
    return stands(l, 1) || (retiring_ && retire_link_ == number);
}

// So many acknowledged slots are free, for the host some clocks later.
inline void Engine::free_slots(Link &l, int count) {
    l.lag -= count;
    if (l.walking) walk_freed_ += count;
    later(now() + clocks::HAND_OUT + clocks::SLOT, HOST_BEGINS, count);
}

// The first of them, whose PAYLOAD is not sent any more.
inline void Engine::free_slot(Link &l, uint32_t number) {
    kill(number, l.una - l.lag, now() + clocks::HAND_OUT + clocks::KILLED);
    free_slots(l, 1);
}

// What the link wants when an event has left it like this: the retirer, if that is idle, a visit.
// `keeps`: as `keeps_slots` was when the event came; `retired`: it is RETIRE.
inline void Engine::wants(Link &l, uint32_t number, bool keeps, bool retired) {
    if (l.state != State::OPEN) return;
    const bool run = l.lag > 1 && !keeps;
    const bool lags = l.lag && !keeps && !(run && retired);
    if (!l.queued && (lags || (l.waits() && l.knows_next())))
        push(l, number, now() + clocks::HAND_OUT);
    if (!run || retiring_) return;
    retiring_ = true;
    retire_link_ = number;
    retire_count_ = std::min(l.lag, RUN);
    uint64_t clock = now() + clocks::HAND_OUT + 1;
    for (int n = 0; n < retire_count_; ++n, clock += clocks::HOP)
        kill(number, l.una - l.lag + n, clock + clocks::KILLED);
    offer(clock, RETIRE, number);
}

// RETIRE at the door.
inline void Engine::retire_run(uint32_t number) {
    Link &l = link(number);
    retiring_ = false;
    const bool keeps = keeps_slots(l, number);
    if (!stands(l, RUN)) free_slots(l, retire_count_);
    wants(l, number, keeps, true);
}

}  // namespace ttp::packet
