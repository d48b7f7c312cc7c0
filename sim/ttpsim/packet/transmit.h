// The transmit queues and the wire: control frames first, but a PAYLOAD after four in a row
// (rtl/ttpoe/tx/path.py).
#pragma once

#include "send.h"

namespace ttp::packet {

// A control frame of link `frame.link` joins its queue in this clock.
inline void Engine::control(Frame frame, uint64_t clock) {
    frame.from = node_;
    frame.to = link(frame.link).peer;
    controls_.push_back({w_.frames.add(frame), clock});
    later(clock + clocks::START, TRANSMIT);
}

// The next frame starts, if the wire is free and one is there.
inline void Engine::transmit() {
    constexpr int IN_A_ROW = 4;
    if (now() < wire_free_) {
        if (transmit_at_ != wire_free_) later(transmit_at_ = wire_free_, TRANSMIT);
        return;
    }
    drop_killed();
    const bool control = !controls_.empty() && controls_.front().at + clocks::START <= now();
    const bool payload = !payloads_.empty()
                         && std::max(payloads_.front().at + clocks::BEGIN, payload_from_) <= now();
    auto *queue = control && (controls_in_a_row_ < IN_A_ROW || !payload) ? &controls_
                  : payload                                                       ? &payloads_
                                                                                  : nullptr;
    if (!queue) return;
    const uint32_t number = queue->front().frame;
    queue->pop_front();
    Frame &f = w_.frames[number];
    const Link &l = link(f.link);
    if (queue == &payloads_) {
        controls_in_a_row_ = 0;
        credit_back(now() + clocks::CREDITED);
    } else {
        controls_in_a_row_ = payload ? controls_in_a_row_ + 1 : 0;
        if (l.controlled && f.kind != OPEN && f.kind != NACK_FULL)
            f.code = s_.says ? s_.says : code(now());
    }
    wire_free_ = now() + beats_of(f.bytes);
    if (f.kind == OPEN_ACK && l.state == State::OPEN_RECD)
        later(wire_free_ + clocks::DOOR, SENT, f.link);
    w_.sends(node_, number, now());
    if (!controls_.empty() || !payloads_.empty()) later(transmit_at_ = wire_free_, TRANSMIT);
}

// PAYLOADs that were killed, when they are the oldest: a clock each, and then the one behind them
// is read anew.
inline void Engine::drop_killed() {
    int dropped = 0;
    for (; !payloads_.empty() && payloads_.front().dead_from <= now() + dropped; ++dropped) {
        w_.frames.drop(payloads_.front().frame);
        payloads_.pop_front();
        credit_back(now() + dropped + clocks::CREDITED);
    }
    if (!dropped) return;
    payload_from_ = now() + dropped + clocks::BEHIND;
    later(payload_from_, TRANSMIT);
}

// PAYLOADs of the link that wait are killed.
inline void Engine::withdraw(uint32_t number) {
    for (Queued &q : payloads_)
        if (w_.frames[q.frame].link == number)
            q.dead_from = std::min(q.dead_from, now() + clocks::HAND_OUT + clocks::KILLED);
}

// Those of one packet, from a clock on.
inline void Engine::kill(uint32_t number, uint32_t id, uint64_t clock) {
    for (Queued &q : payloads_) {
        const Frame &f = w_.frames[q.frame];
        if (f.link == number && f.tx == id) q.dead_from = std::min(q.dead_from, clock);
    }
}

// Byte 48 of an answer whose first beat is in this clock (rtl/ttpoe/congestion/backlog.py).
inline uint8_t Engine::code(uint64_t start) {
    const uint64_t since = start + s_.ready;
    return load_.code(start - clocks::CODE_LOAD, random_.at(since - clocks::CODE_RANDOM) & 0xFFFF);
}

}  // namespace ttp::packet
