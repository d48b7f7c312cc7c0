// What a selective receiver does in the background: look-ups for kept packets
// (rtl/ttpoe/reorder/lookup.py) and the timer's questions for what is missing (ask.py, decision R6).
// Of each two events are under way; answers come a passage through the pipeline after the events.
#pragma once

#include "receive.h"

namespace ttp::packet {

// The link wants a look-up.
inline void Engine::look_up(uint32_t number) {
    link(number).looking = true;
    look_up_.jobs.push_back({number, now() + clocks::HAND_OUT});
    if (look_up_.jobs.size() == 1) begin_look_up();
}

// Its first LOOK is alone, as its ID is the one where the look-up before has ended.
inline void Engine::begin_look_up() {
    LookUp &u = look_up_;
    u.ahead = u.known = u.missed = u.over = false;
    raise_look(std::max(u.jobs.front().at + clocks::JOB, u.idle_from));
}

inline void Engine::raise_look(uint64_t clock) {
    LookUp &u = look_up_;
    while (true) {
        u.under_way.push_back({u.id++, std::exchange(u.ahead, true)});
        offer(clock, LOOK, u.jobs.front().link);
        if (!u.known || u.missed || u.under_way.size() == AHEAD) return;
        clock += clocks::SOURCE;
    }
}

// LOOK at the door: the kept packet behind the last one delivered, or the end of the look-up.
inline void Engine::look(uint32_t number) {
    Link &l = link(number);
    const auto [id, ahead] = look_up_.under_way.front();
    const bool next = id == l.received + 1;
    const bool hit = l.looking && next && l.kept && l.keeps[id % l.keeps.size()];
    if (hit) {
        places_[place_of(l, id)] = false;
        l.keeps[id % l.keeps.size()] = false;
        --l.kept;
        deliver(l, number, id, w_.length(l.peer, node_, l.vc, id - link(number ^ 1).first), true);
        if (l.seen == l.received) l.gap = false;
        if (!l.sent) {
            l.timer = false;
            l.retries = 0;
        }
    } else if (l.looking && next && (!ahead || !l.kept)) {
        l.looking = false;
        answer(ACK, number, l.received);
    } else if (!l.kept) {               // the last one delivered was acknowledged by its own event
        l.looking = false;
    }
    looked(l, hit);
    settle(l, number);
}

// The answer to a LOOK: the look-up goes on behind it, or where the last one under way says.
inline void Engine::looked(const Link &l, bool hit) {
    LookUp &u = look_up_;
    const uint64_t answered = now() + clocks::HAND_OUT;
    u.under_way.pop_front();
    u.missed |= !hit;
    u.over |= !l.looking;
    if (!u.under_way.empty()) {
        if (!u.missed) raise_look(answered + 1);
        return;
    }
    u.id = l.received + 1;
    u.ahead = false;
    if (!u.over) {
        u.known = true;
        u.missed = false;
        raise_look(answered + 1);
        return;
    }
    u.idle_from = answered + clocks::NEXT_JOB;
    u.jobs.pop_front();
    if (!u.jobs.empty()) begin_look_up();
}

// The timer finds a gap: each run of missing IDs is NACKed by itself, if packets behind are kept.
inline void Engine::ask_or_nack(Link &l, uint32_t number) {
    ++w_.counts.nack_gap;
    if (!l.selective) answer(NACK, number, l.received + 1);
    else if (!l.looking && l.kept && ask_.under_way.empty()) begin_asking(l, number);
    else if (!l.looking) answer(NACK, number, l.received + 1, l.kept ? l.received + 1 : l.seen);
}

inline void Engine::begin_asking(const Link &l, uint32_t number) {
    ask_.link = number;
    ask_.id = l.received + 1;
    ask_.before_run = l.received;
    ask_.run = ask_.over = false;
    raise_ask(now() + clocks::HAND_OUT + 1);
}

inline void Engine::raise_ask(uint64_t clock) {
    for (; ask_.under_way.size() < AHEAD; clock += clocks::SOURCE) {
        ask_.under_way.push_back(ask_.id++);
        offer(clock, ASK, ask_.link);
    }
}

// ASK at the door: a run of missing IDs that ends here is NACKed.
inline void Engine::ask(uint32_t number) {
    Link &l = link(number);
    const uint32_t id = ask_.under_way.front();
    ask_.under_way.pop_front();
    const int32_t distance = id - l.received;
    const bool within = l.gap && distance > 0 && distance < 4 * REORDER_SLOTS;
    const bool last = id == l.seen || distance == 4 * REORDER_SLOTS - 1;
    const bool hit = within && !l.keeps.empty() && l.keeps[id % l.keeps.size()];
    if (l.gap && (hit ? ask_.run : last)) {
        ++w_.counts.nack_run;
        answer(NACK, number, ask_.before_run + 1, hit ? id - 1 : id);
    }
    const bool on = within && !last;
    ask_.run = on && !hit;
    if (hit) ask_.before_run = id;
    ask_.over |= !on;
    if (!ask_.over) raise_ask(now() + clocks::HAND_OUT + 1);
}

}  // namespace ttp::packet
