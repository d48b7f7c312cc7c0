// What an engine sends: room for PAYLOADs, ready queues, the gate of the law, and one PAYLOAD.
#pragma once

#include "host_port.h"

namespace ttp::packet {

// Who wants to send a PAYLOAD enters while there is room for it, the most urgent first; now and
// then, if two want to, the less urgent.
inline void Engine::pump() {
    while (credits_ > 0) {
        struct Wish { What what; int vc, row; };
        std::array<Wish, 7> wishes;
        int count = 0;
        auto wishes_to = [&](What what, int vc, int row) {
            if (!hindered(row)) wishes[count++] = {what, vc, row};
        };
        if (replaying_ && replay_at_ <= now()) wishes_to(REPLAY, 0, link(walk_link_).row);
        for (int vc : {int(REQ_HI), 0, int(DATA)}) {
            if (visiting_[vc] && visit_at_[vc] <= now())
                wishes_to(VISIT, vc, link(visitor_[vc]).row);
            const HostPort &p = ports_[vc];
            if (p.raised && p.offered <= now()) {
                const Link &l = link(w_.links.find(node_, p.event_to, vc));
                wishes_to(HOST_EVENT, vc, l.lid < 0 ? link_row(l.peer, l.vc) : l.row);
            }
        }
        if (!count) return;
        const bool other = count > 1 && ++turns_ % TURNS == 0;
        const auto [what, vc, row] = wishes[other ? 1 : 0];
        --credits_;
        const uint64_t at = admit(row);
        if (what == REPLAY) {
            replaying_ = false;
            later(at, REPLAY, walk_link_);
        } else if (what == VISIT) {
            visiting_[vc] = false;
            later(at, VISIT, visitor_[vc]);
            if (!ready_[vc].empty()) later(at, PUSH, vc);
        } else {
            HostPort &p = ports_[vc];
            p.raised = p.retry = false;
            p.waiting = true;
            later(at, HOST_EVENT, vc);
        }
    }
}

// A PAYLOAD goes to its queue with what the event hands out.
inline void Engine::send_payload(Link &l, uint32_t number, uint32_t id, bool first, bool more) {
    Frame f{.kind = PAYLOAD, .vc = uint8_t(l.vc), .code = uint8_t(l.controlled && more)};
    f.from = node_;
    f.to = l.peer;
    f.link = number;
    f.tx = id;
    f.bytes = 60 + w_.length(node_, l.peer, l.vc, id - l.first);
    payloads_.push_back({w_.frames.add(f), now() + clocks::HAND_OUT});
    ++w_.counts.payload_sent;
    if (!first) ++w_.counts.payload_replayed;
    if (l.controlled) l.pace.sent(id, first, line_time(now() + clocks::LAW_NOW));
    later(now() + clocks::HAND_OUT + clocks::BEGIN, TRANSMIT);
}

// The packet at the sending position.
inline void Engine::send_current(Link &l, uint32_t number) {
    const bool first = l.current == l.sent;
    const uint32_t id = l.una + l.current;
    if (!l.current) l.oldest_at = l.sent + first;
    ++l.current;
    if (first) {
        if (!l.sent) l.retries = 0;
        ++l.sent;
        l.timer = false;
    }
    const bool more = !first || l.current < l.alloc || l.alloc >= law::share(SLOTS);
    send_payload(l, number, id, first, more);
    settle(l, number);
}

// After every event of a link: what the law shows, and whether the link has something to do.
inline void Engine::settle(Link &l, uint32_t number, bool keeps) {
    if (l.controlled && l.state > State::OPEN_SENT) {
        Pace &p = l.pace;
        if (p.full(l.current) && l.current < l.alloc) p.limited = true;
        std::copy(l.shown.begin() + 1, l.shown.end(), l.shown.begin());
        Seen &s = l.shown.back();
        s = {now() + clocks::LAW_SEEN, p.next_at, p.gap || p.full(l.current + 1),
             p.full(l.current), p.paced(), p.free(l.current)};
        if (l.gated) gate_plan(l, number);
    }
    wants(l, number, keeps);
}

// The link joins its ready queue in this clock.
inline void Engine::push(Link &l, uint32_t number, uint64_t clock) {
    l.queued = true;
    ready_[l.vc].push_back(number);
    later(clock + clocks::READY, PUSH, l.vc);
}

// The front of a ready queue comes to Q0, that of DATA by way of the gate.
inline void Engine::ready(uint32_t vc) {
    auto &queue = ready_[vc];
    if (queue.empty() || visiting_[vc]) return;
    const uint32_t number = queue.front();
    queue.pop_front();
    if (vc == DATA) {
        gate_enter(number, now());
        return;
    }
    visiting_[vc] = true;
    visitor_[vc] = number;
    visit_at_[vc] = now();
    pump_at(now());
}

// VISIT at the door.
inline void Engine::visit(uint32_t number) {
    Link &l = link(number);
    l.queued = false;
    bool sends = false;
    if (l.state == State::OPEN) {
        const bool keeps = keeps_slots(l, number);
        if (l.lag && !keeps) {
            free_slot(l, number);
        } else if (l.waits() && l.knows_next()) {
            send_current(l, number);
            sends = true;
        }
        if (!sends) settle(l, number, keeps);
    }
    if (!sends) credit_back(now() + clocks::UNUSED);
}

inline void Engine::gate_enter(uint32_t number, uint64_t clock) {
    Link &l = link(number);
    if (gated_) {                       // a look at another one takes three clocks
        const int since = (clock - gate_phase_)
                          % (gated_ > 1 ? clocks::LOOKS : clocks::LOOKS_ALONE);
        if (since == 1 || since == 2) clock += clocks::LOOKS - since;
    }
    if (l.controlled && l.seen_at(clock).slow) {
        l.gated = true;
        l.looked = gate_phase_ = clock;
        ++gated_;
        gate_plan(l, number);
        if (!ready_[DATA].empty()) later(clock + clocks::LOOKS, PUSH, DATA);
        return;
    }
    visiting_[DATA] = true;
    visitor_[DATA] = number;
    visit_at_[DATA] = clock + 2;
    pump_at(clock + 2);
}

// When the gate lets the link go, as far as is known; every event of the link says it anew. The
// gate looks at those that wait in turn, at each every so many clocks.
inline void Engine::gate_plan(Link &l, uint32_t number) {
    ++l.leaves;
    const uint64_t period = gated_ > 1 ? clocks::LOOKS * gated_ : clocks::LOOKS_ALONE;
    const uint64_t unit = 64 / WB;
    for (size_t n = 0; n < l.shown.size(); ++n) {
        const Seen &seen = l.shown[n];
        if (seen.stop) continue;
        uint64_t from = std::max(l.looked + period, seen.from);
        // The time is judged two clocks after the look.
        if (const int wait = ahead(seen.next_at, line_time(from + 2)); seen.paced && wait > 0)
            from = ((from + 2 + s_.ready) / unit + wait) * unit - s_.ready - 2;
        const uint64_t look = l.looked + (from - l.looked + period - 1) / period * period;
        const uint64_t leaves = look + (seen.slow ? 3 : 2);
        const bool overtaken = n + 1 < l.shown.size() && look >= l.shown[n + 1].from;
        if (overtaken || leaves <= now()) continue;
        w_.events.at(leaves, GATE_EXIT, node_, number, 0, l.leaves);
        return;
    }
}

inline void Engine::gate_exit(uint32_t number, uint16_t version) {
    Link &l = link(number);
    if (!l.gated || l.leaves != version) return;
    if (visiting_[DATA]) {              // another one is in front of Q0: looked at again
        w_.events.at(now() + clocks::LOOKS, GATE_EXIT, node_, number, 0, version);
        return;
    }
    l.gated = false;
    --gated_;
    visiting_[DATA] = true;
    visitor_[DATA] = number;
    visit_at_[DATA] = now();
    pump_at(now());
}

}  // namespace ttp::packet
