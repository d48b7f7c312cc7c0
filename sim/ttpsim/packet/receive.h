// Received frames: opening, and PAYLOADs (decisions R2 to R6, D4, D5, K4, K12).
#pragma once

#include "replay.h"

namespace ttp::packet {

inline void Engine::answer(Kind kind, uint32_t number, uint32_t rx, uint32_t tx) {
    Frame f{.kind = kind, .vc = uint8_t(link(number).vc)};
    f.link = number;
    f.rx = rx;
    f.tx = tx;
    control(f, now() + clocks::HAND_OUT);
}

// A frame at the door; `frame.link ^ 1` is our end.
inline void Engine::receive(uint32_t number) {
    const Frame f = w_.frames[number];
    w_.frames.drop(number);
    const uint32_t ours = f.link ^ 1;
    Link &l = link(ours);
    const bool keeps = keeps_slots(l, ours);
    switch (f.kind) {
    case OPEN: opened(l, ours, f); break;
    case OPEN_ACK: open_acked(l, ours, f); break;
    case PAYLOAD: payload(l, ours, f); break;
    case ACK: acked(l, ours, f); break;
    case NACK:
        if (l.state != State::OPEN) ++w_.counts.drop_unexpected;
        else if (l.selective) nacked_range(l, ours, f);
        else nacked(l, ours, f);
        break;
    case NACK_FULL:
        if (l.state != State::OPEN || !l.sent) break;
        l.held = true;
        ++w_.counts.link_held;
        l.pace.timing = false;
        withdraw(ours);
        break;
    }
    // Slots may have left the window.
    if (f.kind == OPEN || f.kind == ACK || f.kind == NACK) retry(now() + clocks::RETRY);
    settle(l, ours, keeps);
    if (l.state != State::CLOSED) awake(l, ours);
}

// An OPEN is answered; a repeated one again.
inline void Engine::opened(Link &l, uint32_t number, const Frame &f) {
    Frame a{.kind = OPEN_ACK, .vc = f.vc};
    a.link = number;
    a.rx = f.tx;
    if (l.state == State::CLOSED) {
        fresh(l);
        l.selective = s_.selective && f.selective;
        l.controlled = s_.congestion && f.controlled;
        l.state = State::OPEN_RECD;
        if (l.controlled) {
            l.pace.begin(line_time(now() + clocks::LAW_NOW));
            counted(l, true);
        }
        l.received = l.seen = f.tx;
    } else if (l.state == State::OPEN_SENT) {       // crossing OPENs
        l.selective = l.selective && f.selective;
        l.controlled = l.controlled && f.controlled;
        l.received = l.seen = f.tx;
    } else if (l.received != f.tx || l.gap) {
        return;                                     // late: its sender has long been open (L19)
    }
    a.selective = l.selective;
    a.controlled = l.controlled;
    a.tx = l.first;
    control(a, now() + clocks::HAND_OUT);
}

inline void Engine::open_acked(Link &l, uint32_t number, const Frame &f) {
    if (l.state != State::OPEN_SENT || f.rx != l.first - 1) {
        ++w_.counts.drop_unexpected;
        return;
    }
    l.selective = l.selective && f.selective;
    l.controlled = l.controlled && f.controlled;
    l.received = l.seen = f.tx - 1;
    l.state = State::OPEN;
    l.timer = false;
    l.retries = 0;
    ++w_.counts.opened;
    const uint16_t time = line_time(now() + clocks::LAW_NOW);
    if (l.controlled) {
        l.pace.begin(time);
        l.pace.heard(told(f), false, time, true);
    }
    counted(l, false);
    (void)number;
}

inline void Engine::counted(Link &l, bool is) {
    if (is) l.age = 0;
    if (l.counted == is) return;
    l.counted = is;
    load_.count(is ? 1 : -1, now() + clocks::LAW_COUNT);
}

// A VC has room in the receive memory (rtl/ttpoe/rx/pool.py).
inline bool Engine::room(int vc) const {
    constexpr int SHARED = RX_SLOTS - 3 * RX_RESERVED - REORDER_SLOTS;
    if (held_[vc] < RX_RESERVED) return true;
    int shared = 0;
    for (int held : held_) shared += std::max(0, held - RX_RESERVED);
    return shared < SHARED;
}

// Place of an ID in the directory (rtl/ttpoe/reorder/directory.py).
inline size_t Engine::place_of(const Link &l, uint32_t id) const {
    constexpr uint32_t MASK = 4 * REORDER_SLOTS - 1;
    uint32_t folded = 0;
    for (uint32_t row = l.row; row; row /= MASK + 1) folded ^= row & MASK;
    return (folded ^ id) & MASK;
}

inline void Engine::payload(Link &l, uint32_t number, const Frame &f) {
    if (l.state != State::OPEN) {
        ++w_.counts.drop_unexpected;
        return;
    }
    const int32_t distance = f.tx - l.received;
    const bool has_room = room(l.vc);
    bool new_gap = false;
    const bool keeps = l.selective && distance > 0 && distance < 4 * REORDER_SLOTS
                       && !l.keeps.empty() && l.keeps[f.tx % (4 * REORDER_SLOTS)];
    if (distance <= 0) {
        ++w_.counts.drop_duplicate;
        answer(ACK, number, f.tx);
    } else if (keeps) {
        ++w_.counts.drop_unkept;
    } else if (distance == 1 && has_room) {
        deliver(l, number, f.tx, f.bytes - 60, false);
        if (!l.kept) answer(ACK, number, f.tx);     // else the look-up does
        else if (!l.looking) look_up(number);
        if (!l.sent) {
            l.timer = false;
            l.retries = 0;
        }
        if (!l.selective || l.seen == l.received || !l.gap) {
            l.gap = false;
            l.seen = l.received;
        }
    } else if (distance == 1) {
        ++w_.counts.drop_no_room;
        answer(NACK_FULL, number, 0);
    } else {
        behind_gap(l, number, f, has_room, new_gap);
    }
    if (l.vc != DATA) return;
    load_.packet(new_gap, now() + clocks::LAW_COUNT + 1);
    counted(l, !l.controlled || f.code & 1 || l.gap);
}

inline void Engine::behind_gap(Link &l, uint32_t number, const Frame &f, bool room, bool &new_gap) {
    const int32_t past = f.tx - l.seen;
    if (!l.selective) {
        new_gap = !l.gap || past <= 0;
        if (new_gap) {
            ++w_.counts.nack_gap;
            answer(NACK, number, l.received + 1);
        } else {
            ++w_.counts.drop_gap;
        }
        l.gap = true;
        l.seen = f.tx;
        return;
    }
    const size_t place = place_of(l, f.tx);
    const bool keep = room && f.tx - l.received < 4 * REORDER_SLOTS && !places_[place]
                      && kept_ < REORDER_SLOTS;
    if (!keep) {
        if (l.gap) {
            ++w_.counts.drop_unkept;
            return;
        }
        new_gap = l.gap = true;
        ++w_.counts.nack_gap;
        answer(NACK, number, l.received + 1, f.tx);
        l.seen = f.tx;
        return;
    }
    places_[place] = true;
    if (l.keeps.empty()) l.keeps.resize(4 * REORDER_SLOTS);
    l.keeps[f.tx % l.keeps.size()] = true;
    ++kept_;
    ++l.kept;
    new_gap = past > 1;
    ++(new_gap ? w_.counts.kept_nacked : w_.counts.kept);
    if (new_gap) {
        answer(NACK, number, l.seen + 1, f.tx - 1);
    } else if (l.controlled) {
        answer(ACK, number, l.received, f.tx);
    }
    if (past > 0) {
        l.gap = true;
        l.seen = f.tx;
    }
}

// The packet goes to the reader of its VC.
inline void Engine::deliver(Link &l, uint32_t number, uint32_t id, int bytes, bool kept) {
    l.received = id;
    ++(kept ? w_.counts.delivered_kept : w_.counts.delivered);
    if (!kept) ++held_[l.vc];
    const int beats = (bytes + WB - 1) / WB;
    uint64_t &free = reader_free_[l.vc];
    const uint64_t begins = std::max(now() + clocks::HAND_OUT + clocks::DELIVER, free);
    const uint64_t last = l.vc == DATA ? w_.host_reads(begins, beats) : begins + beats - 1;
    free = last + 1;
    reading_[l.vc].push_back({number, id, kept});
    later(last, DELIVERED, l.vc);
}

}  // namespace ttp::packet
