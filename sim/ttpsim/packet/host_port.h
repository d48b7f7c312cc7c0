// Host ports (rtl/ttpoe/tx/host_port.py): a packet is written while it comes, its event waits for
// room, and one more packet may be complete meanwhile.
#pragma once

#include "slots.h"

namespace ttp::packet {

// The host offers its next packet, if it has one and the port can take it.
inline void Engine::host_try(int vc, uint64_t clock) {
    HostPort &p = ports_[vc];
    if (p.writing || p.complete) return;
    if (!p.left) {                      // it has not taken the next one yet
        int bytes;
        if (!w_.host_offers(node_, vc, p.to, bytes)) return;
        p.left = (bytes + WB - 1) / WB;
    }
    if (!free_slots_) return;
    --free_slots_;
    if (vc == DATA && !ports_[REQ_HI].writing) p.more = 0;
    p.writing = true;
    if (vc == REQ_HI) ports_[DATA].more += p.left;  // one beat per clock, the urgent one first
    const bool shares = vc == REQ_HI && ports_[DATA].writing;
    later(std::max(clock + 1, p.may_begin) + p.left - 1 + shares, HOST_DONE, vc);
}

// The packet's last beat is taken in this clock.
inline void Engine::host_done(int vc) {
    HostPort &p = ports_[vc];
    if (vc == DATA && p.more) {
        later(now() + std::exchange(p.more, 0), HOST_DONE, vc);
        return;
    }
    p.writing = false;
    p.left = 0;
    p.may_begin = now() + 2;
    if (p.raised || p.waiting || p.blocked) {
        p.complete = true;
        return;
    }
    p.event_to = p.to;
    host_raise(vc, now() + 1);
    host_try(vc, now() + 1);
}

inline void Engine::host_raise(int vc, uint64_t clock) {
    HostPort &p = ports_[vc];
    p.raised = true;
    p.offered = clock;
    pump_at(clock);
}

// HOST_PAYLOAD at the door.
inline void Engine::host_event(int vc) {
    HostPort &p = ports_[vc];
    const uint32_t number = w_.links.find(node_, p.event_to, vc);
    Link &l = link(number);
    bool sends = false;
    p.blocked = false;
    if (l.state == State::CLOSED) {
        fresh(l);
        l.selective = s_.selective;
        l.controlled = s_.congestion && vc == DATA;
        l.state = State::OPEN_SENT;
        l.alloc = 1;
        Frame f{.kind = OPEN, .vc = uint8_t(vc), .selective = l.selective,
                .controlled = l.controlled, .tx = l.first - 1};
        f.link = number;
        control(f, now() + clocks::HAND_OUT);
    } else if (l.alloc >= limit(l)) {
        ++w_.counts.host_blocked;
        p.blocked = true;
        wants(l, number, keeps_slots(l, number));
    } else {
        // What waits longest goes out with it: the packet itself, if nothing waits.
        sends = l.state == State::OPEN && !l.held && (l.current == l.alloc || l.knows_next())
                && (!l.controlled || l.seen_at(now()).free);
        ++l.alloc;
        if (sends) send_current(l, number);
        else settle(l, number);
    }
    awake(l, number);
    if (!sends) credit_back(now() + clocks::UNUSED);
    later(now() + clocks::HAND_OUT, RESULT, vc);
}

// What became of the event is known; a blocked one is raised again after a retry.
inline void Engine::host_result(int vc) {
    HostPort &p = ports_[vc];
    p.waiting = false;
    if (p.blocked) {
        if (p.retry) host_raise(vc, now() + 1);
        return;
    }
    if (p.complete) {
        p.complete = false;
        p.event_to = p.to;
        p.may_begin = now() + 2;
        host_raise(vc, now() + 1);
    }
    host_try(vc, now() + 1);
}

// A window may have moved: what was blocked is tried again.
inline void Engine::retry(uint64_t clock) {
    for (int vc = 0; vc < 3; ++vc) {
        HostPort &p = ports_[vc];
        p.retry = true;
        if (p.blocked && !p.waiting && !p.raised) host_raise(vc, clock + 1);
    }
}

}  // namespace ttp::packet
