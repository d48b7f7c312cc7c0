// The global link timer with one bit for each link (decisions L1 to L3, D4, D6, R6, K4, K13), and
// the dispatch of all that happens to an engine.
#pragma once

#include "answer.h"

namespace ttp::packet {

// TIMER at the door.
inline void Engine::timer(uint32_t number) {
    Link &l = link(number);
    const uint16_t time = line_time(now() + clocks::LAW_NOW);
    const bool open = l.state == State::OPEN, fresh_bit = !l.timer;
    const bool paced = open && l.controlled && !l.current && l.sent;
    const bool empty = !l.alloc;
    bool asks = open && l.gap, rests = false;
    if (l.counted && ++l.age > (l.controlled ? load_.age_limit() : law::UNCONTROLLED_AGE))
        counted(l, false);
    if (fresh_bit || paced || (open && !l.sent && !empty)) {
        l.timer = true;
        if (l.held) {
            l.held = false;
            l.current = 0;
        }
    } else if (!open) {
        ++l.retries;
        Frame f{.kind = l.state == State::OPEN_SENT ? OPEN : OPEN_ACK, .vc = uint8_t(l.vc),
                .selective = l.selective, .controlled = l.controlled};
        f.link = number;
        f.tx = l.state == State::OPEN_SENT ? l.first - 1 : l.first;
        f.rx = l.received;
        control(f, now() + clocks::HAND_OUT);
    } else if (l.sent) {
        const bool coin = random_.at(now() + s_.ready) & 1;
        const bool patient = l.controlled && !l.held
                             && ((slow() && l.retries < law::PATIENT)
                                 || (coin && l.retries >= law::RARE));
        ++l.retries;
        if (!patient) {
            ++w_.counts.timer_replayed;
            l.current = 0;
            l.held = false;
            if (l.controlled) l.pace.timed_out(l.retries, slow());
        }
    } else {
        ++l.retries;
        rests = l.controlled && l.retries >= law::AGAIN;
    }
    if (asks) ask_or_nack(l, number);
    if (l.controlled && open) l.pace.visited(time);
    if (rests) l.pace.rested();
    settle(l, number);
    l.asleep = open && l.timer && empty && !l.gap && !l.counted && l.retries >= law::AGAIN;
    if (!l.asleep) later(visit_clock(l, now()), TICK, number);
}

inline void Engine::ask_or_nack(Link &l, uint32_t number) {
    ++w_.counts.nack_gap;
    if (!l.selective) {
        answer(NACK, number, l.received + 1);
    } else if (!l.looking && l.kept && !asking_) {
        asking_ = true;
        ask_id_ = ask_first_ = l.received + 1;
        offer(now() + clocks::HAND_OUT + 1, ASK, number);
    } else if (!l.looking) {
        answer(NACK, number, l.received + 1, l.kept ? l.received + 1 : l.seen);
    }
}

// ASK at the door: a run of missing IDs that ends here is NACKed.
inline void Engine::ask(uint32_t number) {
    Link &l = link(number);
    const int32_t distance = ask_id_ - l.received;
    const bool within = l.gap && distance > 0 && distance < 4 * REORDER_SLOTS;
    const bool last = ask_id_ == l.seen || distance == 4 * REORDER_SLOTS - 1;
    const bool hit = within && !l.keeps.empty() && l.keeps[ask_id_ % l.keeps.size()];
    if (within && ((hit && ask_first_ != ask_id_) || (last && !hit))) {
        ++w_.counts.nack_run;
        answer(NACK, number, ask_first_, hit ? ask_id_ - 1 : ask_id_);
    }
    asking_ = within && !last;
    ++ask_id_;
    if (hit) ask_first_ = ask_id_;
    if (asking_) offer(now() + clocks::HAND_OUT + 1, ASK, number);
}

// The law looks at the load, once in so many units of line time since reset.
inline void Engine::interval() {
    constexpr uint64_t ELAPSED = law::INTERVAL * (64 / WB);
    const uint64_t beats = w_.rx_beats(node_, now());
    load_.look(ELAPSED, ELAPSED - (beats - looked_beats_), now() + clocks::LAW_LOOK);
    looked_beats_ = beats;
    later(now() + ELAPSED, INTERVAL);
}

inline void Engine::happens(const Happening &event) {
    const uint32_t what = event.what;
    switch (event.kind) {
    case AT_HOST: {
        const Frame &f = w_.frames[what];
        Link &l = link(f.link ^ 1);
        const int row = l.lid < 0 ? link_row(l.peer, l.vc) : l.row;
        later(admit(row, now()), RECEIVED, what);
        break;
    }
    case RECEIVED: receive(what); break;
    case HOST_DONE: host_done(what); break;
    case HOST_EVENT: host_event(what); break;
    case RESULT: host_result(what); break;
    case HOST_BEGINS: for (int vc : {REQ_HI, DATA}) host_try(vc, now()); break;
    case VISIT: visit(what); break;
    case GATE_EXIT: gate_exit(what, event.more); break;
    case PUSH: ready(what); break;
    case OFFERED: later(admit(link(what).row, now()), What(event.more), what); break;
    case CREDIT:
        ++credits_;
        pump_at(now());
        break;
    case PUMP: pump(); break;
    case REPLAY: replay(what); break;
    case SEEK: seek(); break;
    case WALKED: walked(what); break;
    case TICK: later(admit(link(what).row, now()), TIMER, what); break;
    case TIMER: timer(what); break;
    case LOOK: look(what); break;
    case ASK: ask(what); break;
    case TRANSMIT: transmit(); break;
    case INTERVAL: interval(); break;
    case SENT: {
        Link &l = link(what);
        if (l.state != State::OPEN_RECD) break;
        l.state = State::OPEN;
        l.timer = false;
        l.retries = 0;
        ++w_.counts.opened;
        settle(l, what);
        break;
    }
    case RETIRE: {
        Link &l = link(what);
        if (!l.lag || l.walking) break;
        --l.lag;
        ++free_slots_;
        later(now() + clocks::HAND_OUT + clocks::SLOT, HOST_BEGINS);
        if (l.lag) offer(now() + clocks::FORWARDED - clocks::DOOR, RETIRE, what);
        break;
    }
    case DELIVERED: {
        const auto [number, id, kept] = reading_[what].front();
        reading_[what].pop_front();
        --(kept ? kept_ : held_[what]);
        const Link &l = link(number);
        w_.delivered(node_, l, id - link(number ^ 1).first);
        break;
    }
    }
}

}  // namespace ttp::packet
