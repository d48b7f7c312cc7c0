// The door of the pipeline, places in the link table, and the link timer's clocks.
#pragma once

#include "engine.h"

namespace ttp::packet {

// How often one that is not the most urgent is chosen among those that wait: once in so many times
// (rtl/ttpoe/stream/arbiter.py).
inline constexpr int TURNS = 60;

// The clock in which an event of this row enters that is offered now: events of a row keep their
// distance. One that has to wait for that waits aside.
inline uint64_t Engine::admit(int row) {
    uint64_t clock = now() + clocks::DOOR, from = now() + clocks::ASIDE;
    bool waits = false;
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
                moved = waits = true;
            }
        }
    }
    doors_[door_++ % doors_.size()] = {row, clock};
    if (!waits) return clock;
    for (const Aside &a : asides_)
        if (a.row == row) from = std::max(from, a.until + clocks::NEXT_ASIDE);
    asides_.push_back({row, from, clock});
    w_.events.at(clock + 1, ROW, node_, row, 1);
    return clock;
}

// An event of this row waits aside: Q0 chooses none of it.
inline bool Engine::hindered(int row) {
    std::erase_if(asides_, [&](const Aside &a) { return a.until < now(); });
    return std::any_of(asides_.begin(), asides_.end(),
                       [&](const Aside &a) { return a.row == row && a.from <= now(); });
}

// An event is offered that needs no room for a PAYLOAD.
inline void Engine::enter(int row, What what, uint32_t number) {
    const auto same = [&](const Held &h) { return h.row == row; };
    if (hindered(row) || std::any_of(offered_.begin(), offered_.end(), same))
        offered_.push_back({row, what, number});
    else
        later(admit(row), what, number);
}

// How urgent events are to Q0: those that need room for a PAYLOAD come behind a LOOK.
inline int urgency(What what) {
    constexpr What ORDER[] = {RECEIVED, LOOK, SEEK, WALKED, RETIRE, ASK, TIMER};
    return int(std::find(std::begin(ORDER), std::end(ORDER), what) - std::begin(ORDER));
}

// The event of this row that waited aside has entered: another one may come.
inline void Engine::row_free(int row) {
    if (hindered(row)) return;
    auto chosen = offered_.end();
    bool several = false;
    for (auto h = offered_.begin(); h != offered_.end(); ++h) {
        if (h->row != row) continue;
        several |= chosen != offered_.end();
        if (chosen == offered_.end() || urgency(h->what) < urgency(chosen->what)) chosen = h;
    }
    if (several && ++turns_ % TURNS == 0)
        for (auto h = offered_.begin(); h != offered_.end(); ++h)
            if (h->row == row && urgency(h->what) > urgency(chosen->what)) chosen = h;
    const int entered = door_;
    if (chosen == offered_.end() || chosen->what == RETIRE || chosen->what == ASK
        || chosen->what == TIMER)
        pump();
    if (chosen == offered_.end()) return;
    if (entered == door_) {
        const Held h = *chosen;
        offered_.erase(chosen);
        later(admit(row), h.what, h.number);
    }
    w_.events.at(now() + 1, ROW, node_, row, 1);
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

// Clocks of a round of the timer. Two links of a row follow each other at the interlock's distance,
// and all others go first: under load its visits are 3.5 clocks apart at least.
inline uint64_t Engine::turn() const {
    return std::max<uint64_t>(uint64_t(s_.tick) * s_.links, 7 * uint64_t(s_.links) / 2);
}

// The timer's rounds that are complete.
inline int64_t Engine::round(uint64_t clock) const {
    return clock / turn();
}

// The first visit of the timer to the link after a clock.
inline uint64_t Engine::visit_clock(const Link &l, uint64_t after) const {
    const uint64_t phase = turn() * (l.lid + 1) / s_.links;
    return after < phase ? phase : phase + ((after - phase) / turn() + 1) * turn();
}

inline void Engine::awake(Link &l, uint32_t number) {
    if (!l.asleep) return;
    l.asleep = false;
    tick(l, number);
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
