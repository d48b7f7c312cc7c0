// What the peer answers: ACK and NACK (decisions D1, D2, R7, R9, R12, K7, K10, K12).
#pragma once

#include "look_up.h"

namespace ttp::packet {

// So many packets are acknowledged: the window moves, a slot is free now, the others later.
inline bool Engine::retire(Link &l, uint32_t number, int count) {
    if (!count) return false;
    l.una += count;
    l.alloc -= count;
    l.sent -= count;
    l.current = std::max(0, l.current - count);
    l.oldest_at = l.sent;
    l.timer = false;
    l.retries = 0;
    l.lag += count;
    if (!keeps_slots(l, number)) free_slot(l, number);
    return true;
}

inline void Engine::acked(Link &l, uint32_t number, const Frame &f) {
    const uint16_t time = line_time(now() + clocks::LAW_NOW);
    if (l.state != State::OPEN) {
        ++w_.counts.drop_unexpected;
        return;
    }
    const bool echo = l.controlled && f.tx;
    const uint32_t position = (echo ? f.tx : f.rx) - l.una;
    if (position >= uint32_t(l.sent)) {
        ++w_.counts.drop_bad_ack;
        return;
    }
    if (l.controlled) {
        l.pace.heard(told(f), false, time);
        const bool grew = l.pace.timing;
        const int before = l.pace.window;
        if (l.pace.arrived(echo ? f.tx : f.rx, SLOTS, false, time)) slow_round_ = round(now());
        w_.counts.window_cut += grew && l.pace.window < before;
    }
    if (echo) {
        ++w_.counts.echo_heard;
        return;
    }
    ++w_.counts.ack_retired;
    retire(l, number, position + 1);
    if (l.controlled) l.pace.passed(l.una);
}

// Go-back-N: what is older is acknowledged, the rest is sent again.
inline void Engine::nacked(Link &l, uint32_t number, const Frame &f) {
    const int32_t d = f.rx - l.una;
    if (!l.sent || d >= l.sent) {
        ++w_.counts.drop_bad_ack;
        return;
    }
    ++w_.counts.nack_replayed;
    const uint16_t time = line_time(now() + clocks::LAW_NOW);
    const bool resends = !l.held && !l.lag && l.current && credits_ > 0 && d <= 0;
    if (l.controlled) {
        l.pace.heard(told(f), resends, time);
        l.pace.timing = false;
    }
    retire(l, number, std::max(0, d));
    withdraw(number);
    l.current = resends;
    if (!resends) return;
    l.oldest_at = l.sent;
    --credits_;
    send_payload(l, number, l.una, false, true);
}

// Selective: the oldest goes out with this very event, the others are walked to.
inline void Engine::nacked_range(Link &l, uint32_t number, const Frame &f) {
    const int32_t first = f.rx - l.una, last = f.tx - l.una;
    if (!l.sent || first >= l.sent || last < 0) {
        ++w_.counts.drop_bad_ack;
        return;
    }
    ++w_.counts.nack_replayed;
    const uint16_t time = line_time(now() + clocks::LAW_NOW);
    const bool named = first <= 0, overtaken = last >= l.oldest_at;
    const bool resends = !l.held && !l.lag && l.current && credits_ > 0 && (named || overtaken);
    if (l.controlled) {
        l.pace.heard(told(f), resends, time);
        if (last < l.sent) {
            const int before = l.pace.window;
            if (l.pace.arrived(f.tx + 1, SLOTS, resends, time)) slow_round_ = round(now());
            w_.counts.window_cut += l.pace.window < before;
        }
    }
    if (resends) {
        --credits_;
        l.oldest_at = l.sent;
        send_payload(l, number, l.una, false, true);
    }
    if (l.held || (resends && last == 0)) return;
    const uint32_t begin = l.una + std::max(resends && named ? 1 : 0, first);
    range(number, begin, last < l.sent ? f.tx : l.una + l.sent - 1);
}

}  // namespace ttp::packet
