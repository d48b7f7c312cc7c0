// The law of congestion (decisions K4 to K10 and K13): what a link knows as a sender, and what an
// engine knows as a receiver. Times are in U, the time of 64 bytes on the wire, 16 bits.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace ttp::packet {

// Every number of the law, once.
namespace law {
inline constexpr int START = 2;                     // the window of a link that begins
inline constexpr uint32_t UNKNOWN = 4095;           // base, in 4 U
inline constexpr uint32_t CUT = 160, LONG = 128;    // delays, in 4 U
inline constexpr uint32_t FAR = 640;                // from such a gap on a link is slow by that alone
inline constexpr int SLOW_ROUNDS = 3;               // of the timer, after a long sample
inline constexpr int PATIENT = 2, RARE = 3;         // time-outs in a row (K13)
inline constexpr int AGAIN = 2;                     // time-outs or idle rounds: base is unknown
inline constexpr int INTERVAL = 512;                // U between two looks at the load
inline constexpr int UNCONTROLLED_AGE = 2, MOST_AGE = 31;
inline constexpr uint32_t GAP_MOST = 28 << 10;      // sixteenths of a link
inline constexpr uint8_t ALONE = 0x10;              // the code of one link
// Replay slots that a controlled link may hold (K11).
constexpr int share(int slots) { return slots * 3 / 4; }
}  // namespace law

// Positive if `a` is later than `b`.
inline int ahead(uint16_t a, uint16_t b) { return int16_t(a - b); }

// One controlled link (K7 to K10).
struct Pace {
    int window = law::START;
    uint16_t next_at = 0, stamp = 0, base = law::UNKNOWN;
    uint32_t gap = 0, timed = 0;        // timed: the ID whose round trip is measured
    bool growing = true, limited = false, timing = false;

    // The link begins, or becomes controlled.
    void begin(uint16_t now) {
        *this = Pace();
        next_at = now;
    }
    bool full(int position) const { return position >= window; }
    bool free(int position) const { return !gap && position + 1 < window; }
    bool paced() const { return gap || window == 1; }
    bool far() const { return gap >= law::FAR; }

    // A believed answer has a code; `sends`: its event sends a PAYLOAD, too. `opens`: it opens the
    // link, which takes its turn if many did before.
    void heard(uint8_t code, bool sends, uint16_t now, bool opens = false) {
        if (code < law::ALONE) return;
        const uint32_t exponent = (code >> 4) - 1;
        const uint32_t links = std::min(law::GAP_MOST, (16u + (code & 15)) << exponent);
        gap = links == 16 ? 0 : links + (links >> 4) + (links >> 6);
        if (!sends && ((opens && far()) || ahead(next_at, now + gap) > 0)) next_at = now + gap;
    }
    void sent(uint32_t id, bool first, uint16_t now) {
        const uint16_t late = now - gap / 2;
        next_at = (ahead(next_at, late) > 0 ? next_at : late) + gap;
        if (!first) {
            if (timing && id == timed) timing = false;
        } else if (!timing) {
            timing = true;
            timed = id;
            stamp = now & STAMP;
        }
    }
    // An answer tells of exactly this packet; `sends` as above. Whether the sample was long.
    bool arrived(uint32_t id, int slots, bool sends, uint16_t now) {
        if (!timing || id != timed) return false;
        const uint32_t trip = ((now - stamp + 3) & STAMP) >> 2;
        base = std::min<uint32_t>(base, trip);
        const uint32_t delay = trip - base;
        if (delay >= law::CUT) {
            if (window == 1 && !far() && !sends) next_at = now + 2 * delay;
            window = std::max(1, window - std::max(1, window / 4));
            growing = false;
        } else if (limited) {
            window = std::min(slots, growing ? 2 * window : window + 1 + window / 32);
        }
        limited = timing = false;
        return delay >= law::LONG;
    }
    // Everything before this ID is acknowledged.
    void passed(uint32_t id) { if (timing && int32_t(id - timed) > 0) timing = false; }
    void visited(uint16_t now) {
        const int late = ahead(next_at, now);
        if (late < 0 && late != INT16_MIN) next_at = now;   // half a circle apart, none is later
    }
    void timed_out(int in_a_row, bool slow) {
        window = slow ? 1 : std::max(law::START, window / 2);
        growing = true;
        timing = false;
        if (in_a_row >= law::AGAIN) base = law::UNKNOWN;
    }
    // Empty for so many rounds that it begins anew.
    void rested() {
        window = law::START;
        growing = true;
        timing = false;
        gap = 0;
        base = law::UNKNOWN;
    }

private:
    static constexpr uint16_t STAMP = 0x3FFF;
};

// How many links are backlogged towards one engine (K4 to K6).
class Load {
public:
    int links() const { return links_; }
    // Ae, in 1/64 of a link.
    int load() const { return std::max(64, 64 * links_ + excess_); }
    int age_limit() const { return std::min(law::MOST_AGE, 2 + (load() >> 11)); }

    // One link more or less is counted; the code follows it from this clock on.
    void count(int change, uint64_t clock) {
        links_ += change;
        bound();
        note(clock);
    }
    void packet(bool new_gap, uint64_t clock) {
        ++packets_;
        if (!new_gap || excess_ >= 0) return;
        excess_ += (3 - excess_) >> 2;
        bound();
        note(clock);
    }
    // An interval is over: its clocks, and how many of them were without a beat.
    void look(uint64_t elapsed, uint64_t idle, uint64_t clock) {
        elapsed_ += elapsed;
        idle_ += idle;
        if (packets_ < uint64_t(2 * links_)) return;
        if (idle_ << 8 < elapsed_) {
            excess_ += std::max({1, load() >> 7, excess_ < 0 ? -excess_ >> 4 : 0});
        } else if (idle_ > elapsed_ >> 6) {
            excess_ -= load() >> 6;
        }
        bound();
        note(clock);
        elapsed_ = idle_ = packets_ = 0;
    }
    // The byte of an answer, of the load as it was in a clock; `random` as the engine has it.
    uint8_t code(uint64_t then, uint32_t random) const {
        uint32_t v = shown_[0].load;
        for (const Shown &s : shown_) if (s.from <= then) v = s.load;
        v += random & ((1u << (highest(v) - 4)) - 1);
        const int exponent = highest(v) - 4;
        if (exponent > 15) return 0xEF;
        return (exponent - 1) << 4 | ((v >> exponent) & 15);
    }

private:
    struct Shown { uint64_t from = 0; uint32_t load = 64; };

    static int highest(uint32_t v) { return 31 - __builtin_clz(v); }
    void note(uint64_t clock) {
        std::copy(shown_.begin() + 1, shown_.end(), shown_.begin());
        shown_.back() = {clock, uint32_t(links_ <= 1 ? 64 : load())};
    }
    void bound() {
        if (links_ <= 1) excess_ = 0;
        else excess_ = std::clamp(excess_, 64 - 64 * links_, 16 * links_);
    }

    int links_ = 0, excess_ = 0;
    uint64_t elapsed_ = 0, idle_ = 0, packets_ = 0;
    std::array<Shown, 8> shown_{};      // the newest last
};

}  // namespace ttp::packet
