// The door of the pipeline, places in the link table, and the link timer's clocks.
#pragma once

#include "engine.h"

namespace ttp::packet {

// The clock in which an event of this row enters: events of a row keep their distance.
inline uint64_t Engine::admit(int row, uint64_t offered) {
    uint64_t clock = offered + clocks::DOOR;
    for (bool moved = true; moved;) {
        moved = false;
        for (const Entry &e : doors_) {
            if (e.row < 0) continue;
            const int64_t behind = int64_t(clock) - int64_t(e.clock);
            if (!behind) {
                ++clock;
                moved = true;
            } else if (e.row == row && behind < clocks::APART && behind != clocks::FORWARDED
                       && behind > -clocks::APART) {
                clock = behind < clocks::FORWARDED ? e.clock + clocks::FORWARDED
                                                   : e.clock + clocks::APART;
                moved = true;
            }
        }
    }
    doors_[door_++ % doors_.size()] = {row, clock};
    return clock;
}

// Row of the link table (rtl/ttpoe/link/table.py).
inline int link_row(int node, int vc) {
    const uint32_t mac = NODE_BASE + node;
    uint32_t reversed = 0;
    for (int bit = 0; bit < 8; ++bit) reversed |= (mac >> (8 + bit) & 1) << (7 - bit);
    const uint32_t hash = ((mac ^ mac >> 16) & 255) ^ reversed;
    constexpr int bits = __builtin_ctz(SETS);
    uint32_t index = 0;
    if (bits <= 8)
        for (int start = 0; start < 8; start += bits) index ^= hash >> start;
    else
        index = hash | (mac >> 8) << 8;
    index &= SETS - 1;
    return VC_TABLES == 3 ? index | vc << bits : (index ^ vc) & (SETS - 1);
}

// A way of the link's row; in a table that is larger than the preset's, the next free place.
inline void Engine::place(Link &l) {
    if (l.lid >= 0) return;
    lids_.resize(s_.links);
    l.row = link_row(l.peer, l.vc);
    size_t lid = 2 * l.row;
    for (size_t looked = 0; lids_[lid] && looked < lids_.size(); ++looked)
        lid = (lid + 1) % lids_.size();
    lids_[lid] = true;
    l.lid = lid;
    l.row = lid / 2;
}

// The timer's rounds that are complete.
inline int64_t Engine::round(uint64_t clock) const {
    return clock / (uint64_t(s_.tick) * s_.links);
}

// The first visit of the timer to the link after a clock.
inline uint64_t Engine::visit_clock(const Link &l, uint64_t after) const {
    const uint64_t turn = uint64_t(s_.tick) * s_.links, phase = uint64_t(s_.tick) * (l.lid + 1);
    return after < phase ? phase : phase + ((after - phase) / turn + 1) * turn;
}

inline void Engine::awake(Link &l, uint32_t number) {
    if (!l.asleep) return;
    l.asleep = false;
    later(visit_clock(l, now()), TICK, number);
}

// Of the open IDs of incarnations that follow each other (rtl/ttpoe/link/identity.py).
inline constexpr uint32_t WEYL_STEP = 0x4F1BBCDD;

// A new incarnation of our side.
inline void Engine::fresh(Link &l) {
    place(l);
    l.first = l.una = open_id_ + 1;
    open_id_ = (open_id_ + WEYL_STEP) & 0x7FFF'FFFF;
    l.sent = l.current = l.oldest_at = l.retries = 0;
    l.timer = false;
}

// Replay slots that the link may hold (L18, K11).
inline int Engine::limit(const Link &l) const {
    int most = s_.link_slots ? std::min(s_.link_slots, SLOTS) : SLOTS;
    if (l.controlled) most = std::min(most, law::share(SLOTS));
    return most;
}

}  // namespace ttp::packet
