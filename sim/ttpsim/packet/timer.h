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
    if (!l.asleep) tick(l, number);
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
        enter(row, RECEIVED, what);
        break;
    }
    case RECEIVED: receive(what); break;
    case HOST_DONE: host_done(what); break;
    case HOST_EVENT: host_event(what); break;
    case RESULT: host_result(what); break;
    case HOST_BEGINS:                   // so many slots are free
        free_slots_ += what;
        for (int vc : {REQ_HI, DATA}) host_try(vc, now());
        break;
    case VISIT: visit(what); break;
    case GATE_EXIT: gate_exit(what, event.more); break;
    case PUSH: ready(what); break;
    case OFFERED: enter(link(what).row, What(event.more), what); break;
    case CREDIT:
        ++credits_;
        pump_at(now());
        break;
    case PUMP: pump(); break;
    case ROW: row_free(what); break;
    case REPLAY: replay(what); break;
    case SEEK: seek(); break;
    case WALKED: walked(what); break;
    case TICK: enter(link(what).row, TIMER, what); break;
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
    case RETIRE: retire_run(what); break;
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
