// NACKed ranges are walked through, packet by packet (rtl/ttpoe/replay/replayer.py, decision R7).
#pragma once

#include "transmit.h"

namespace ttp::packet {

// A range of a link waits for its walk.
inline void Engine::range(uint32_t number, uint32_t first, uint32_t last) {
    constexpr size_t QUEUE = 16;
    if (ranges_.size() >= QUEUE) {
        ++w_.counts.nack_queue_full;
        return;
    }
    ranges_.push_back({number, first, last});
    if (!seeking_ && !walks_) {
        seeking_ = true;
        offer(now() + clocks::HAND_OUT + 2, SEEK, number);
    }
}

// SEEK at the door: where the walk begins, if there is anything to be sent again.
inline void Engine::seek() {
    seeking_ = false;
    const Range r = ranges_.front();
    ranges_.pop_front();
    Link &l = link(r.link);
    if (l.state != State::OPEN || !l.selective || !l.current) {
        if (!ranges_.empty()) {
            seeking_ = true;
            offer(now() + clocks::HAND_OUT + 2, SEEK, ranges_.front().link);
        }
        return;
    }
    walks_ = l.walking = true;
    walk_slots_ = walk_hops_ = walk_freed_ = 0;
    walk_link_ = r.link;
    walk_id_ = int32_t(r.first - l.una) > 0 ? r.first : l.una;
    walk_last_ = r.last;
    walk_passed_ = l.una + l.current;
    const int hops = l.lag + int32_t(walk_id_ - l.una);
    walk_on(now() + clocks::HAND_OUT + 4, hops);
}

// So many slots on the next packet is asked for, or another range of the link, or it is over.
inline void Engine::walk_on(uint64_t clock, int hops) {
    walk_slots_ += walk_hops_;
    walk_hops_from_ = clock + 1;
    clock += clocks::HOP * hops;
    while (int32_t(walk_id_ - walk_last_) > 0 || int32_t(walk_id_ - walk_passed_) >= 0) {
        const bool joins = !ranges_.empty() && ranges_.front().link == walk_link_
                           && int32_t(ranges_.front().first - walk_id_) >= 0;
        if (!joins) {
            walk_hops_ = hops;
            offer(clock, WALKED, walk_link_);
            return;
        }
        const Range r = ranges_.front();
        ranges_.pop_front();
        const int more = int32_t(r.first - walk_id_);
        hops += more;
        clock += 4 + clocks::HOP * more;
        walk_id_ = r.first;
        walk_last_ = r.last;
    }
    walk_hops_ = hops + 1;              // Q0 takes it, and the walk goes on
    replaying_ = true;
    replay_at_ = clock;
    pump_at(clock);
}

// REPLAY at the door.
inline void Engine::replay(uint32_t number) {
    Link &l = link(number);
    const uint32_t id = walk_id_++;
    const int position = id - l.una;
    if (l.state == State::OPEN && l.walking && !l.held && position >= 0 && position < l.current) {
        send_payload(l, number, id, false, true);
        settle(l, number);
    } else {
        credit_back(now() + clocks::UNUSED);
        wants(l, number, keeps_slots(l, number));
    }
    walk_on(now() + 1, 0);
}

inline void Engine::walked(uint32_t number) {
    Link &l = link(number);
    l.walking = walks_ = false;
    settle(l, number);
    if (ranges_.empty()) return;
    seeking_ = true;
    offer(now(), SEEK, ranges_.front().link);
}

}  // namespace ttp::packet
