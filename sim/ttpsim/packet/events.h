// What happens when: a wheel of clocks, and a heap for what is farther away than the wheel turns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <queue>
#include <vector>

namespace ttp::packet {

// Something that happens to a `node` (a switch port, for frames that reach switches) in a clock.
struct Happening {
    uint64_t clock;
    uint32_t rank;                      // of those in one clock the lowest first, then in order
    uint8_t kind;
    uint16_t more;
    uint32_t node, what;
};

class Events {
public:
    void at(uint64_t clock, uint8_t kind, uint32_t node, uint32_t what = 0, uint32_t rank = 0,
            uint16_t more = 0) {
        const Happening event{clock, rank, kind, more, node, what};
        ++made_;
        if (clock - now_ < SIZE) put(event);
        else far_.push({event, made_});
    }

    // The next clock in which something happens, or `end` if that is earlier; it is `now` then.
    uint64_t next(uint64_t end) {
        uint64_t found = near_ ? nearest() : end;
        if (!far_.empty()) found = std::min(found, far_.top().event.clock);
        now_ = std::min(found, end);
        while (!far_.empty() && far_.top().event.clock - now_ < SIZE) {
            put(far_.top().event);
            far_.pop();
        }
        return now_;
    }

    // The next clock in which something happens, ~0 if there is none; time stays where it is.
    uint64_t soonest() const {
        const uint64_t found = near_ ? nearest() : ~0ull;
        return far_.empty() ? found : std::min(found, far_.top().event.clock);
    }

    // Everything of this clock, with what is added to it meanwhile.
    template <typename Does>
    void run(Does does) {
        auto &bucket = wheel_[now_ % SIZE];
        std::stable_sort(bucket.begin(), bucket.end(),
                         [](auto &a, auto &b) { return a.rank < b.rank; });
        for (size_t at = 0; at < bucket.size(); ++at) {
            const Happening event = bucket[at];
            does(event);
        }
        near_ -= bucket.size();
        done_ += bucket.size();
        bucket.clear();
        used_[now_ % SIZE / 64] &= ~(1ull << now_ % 64);
    }

    uint64_t now() const { return now_; }
    uint64_t done() const { return done_; }
    bool empty() const { return !near_ && far_.empty(); }

private:
    static constexpr uint64_t SIZE = 1 << 14;

    struct Far {
        Happening event;
        uint64_t made;                  // events of one clock stay in order
        bool operator<(const Far &o) const {
            return event.clock != o.event.clock ? event.clock > o.event.clock : made > o.made;
        }
    };

    void put(const Happening &event) {
        const uint64_t place = event.clock % SIZE;
        wheel_[place].push_back(event);
        used_[place / 64] |= 1ull << place % 64;
        ++near_;
    }
    // The wheel is not empty.
    uint64_t nearest() const {
        const uint64_t start = now_ % SIZE;
        uint64_t word = used_[start / 64] & ~0ull << start % 64;
        for (uint64_t at = start / 64;; at = (at + 1) % (SIZE / 64)) {
            if (word) {
                const uint64_t place = at * 64 + __builtin_ctzll(word);
                return now_ + (place - start + SIZE) % SIZE;
            }
            word = used_[(at + 1) % (SIZE / 64)];
        }
    }

    std::vector<std::vector<Happening>> wheel_{SIZE};
    std::vector<uint64_t> used_ = std::vector<uint64_t>(SIZE / 64);
    std::priority_queue<Far> far_;
    uint64_t now_ = 0, near_ = 0, made_ = 0, done_ = 0;
};

}  // namespace ttp::packet
