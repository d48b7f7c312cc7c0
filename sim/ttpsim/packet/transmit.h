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
    auto there = [&](const std::deque<Queued> &queue) {
        return !queue.empty() && queue.front().at + clocks::START <= now();
    };
    const bool payload = there(payloads_);
    auto *queue = there(controls_) && (controls_in_a_row_ < IN_A_ROW || !payload) ? &controls_
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

// PAYLOADs of the link that wait are killed, all or those that are acknowledged.
inline void Engine::withdraw(uint32_t number, bool all) {
    const Link &l = link(number);
    auto dead = [&](const Queued &q) {
        const Frame &f = w_.frames[q.frame];
        const bool gone = f.link == number && (all || int32_t(f.tx - l.una) < 0);
        if (gone) {
            w_.frames.drop(q.frame);
            credit_back(now() + clocks::HAND_OUT + 2);
        }
        return gone;
    };
    payloads_.erase(std::remove_if(payloads_.begin(), payloads_.end(), dead), payloads_.end());
}

// Byte 48 of an answer whose first beat is in this clock (rtl/ttpoe/congestion/backlog.py).
inline uint8_t Engine::code(uint64_t start) {
    const uint64_t since = start + s_.ready;
    return load_.code(start - clocks::CODE_LOAD, random_.at(since - clocks::CODE_RANDOM) & 0xFFFF);
}

}  // namespace ttp::packet
