// What one round of the soak is like. It follows from (seed, round) alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

using Settings = std::map<std::string, uint64_t>;   // name of the port without `cfg_` -> value

// Steele's splitmix64.
class Random {
public:
    Random(uint64_t seed, uint64_t round) : state_(seed) {
        state_ = next() ^ (round * 0xD1342543DE82EF95u);
        next();
    }
    uint64_t next() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t limit) { return next() % limit; }
    template <size_t n>
    uint64_t of(const uint32_t (&choices)[n]) { return choices[below(n)]; }

private:
    uint64_t state_;
};

// Engines of `links` links and `slots` replay slots.
inline Settings round_settings(uint64_t seed, uint64_t round, uint64_t links, uint64_t slots) {
    static const uint32_t loss[] = {0, 0, 66, 655, 3277, 6554, 13107, 19661};   // to 30 %
    static const uint32_t fault[] = {0, 66, 655, 3277};                         // to 5 %
    static const uint32_t delay[] = {0, 0, 20, 100, 500, 1000};
    static const uint32_t hold[] = {15, 255, 1023, 4095};
    static const uint32_t wire_pause[] = {0, 0, 0, 32, 128};
    static const uint32_t gap[] = {0, 0, 0, 63, 1023};
    static const uint32_t stall[] = {0, 0, 32, 128};
    static const uint32_t long_pause[] = {0, 1023, 16383, 65535};
    static const uint32_t run[] = {0x3FFF, 0xFFFF, 0x1FFFF};
    static const uint32_t timer_round[] = {4096, 16384, 65536};
    Random random(seed, round);
    Settings s;
    s["seed"] = random.next() >> 32;
    s["run_mask"] = random.of(run);
    s["settle"] = 16384;            // 64 frames of 136 beats, and the longest delay and hold
    s["patience"] = 1'000'000;
    // A quarter of the rounds crosses the end of the 32-bit IDs early on.
    bool wraps = random.below(4) == 0;
    uint64_t init_id = 0x100000000 - random.below(2000) - 1;
    for (const char *x : {"a", "b"}) {
        auto port = [&](const char *name) -> uint64_t & { return s[std::string(x) + "_" + name]; };
        port("enable") = 1;
        port("node") = *x == 'a' ? 0x00A5C3 : 0x015A0B;
        port("ieee") = random.below(2);
        port("selective") = random.below(4) != 0;
        port("fixed_open_id") = wraps;
        port("init_id") = wraps ? init_id : 1;
        port("open_id_seed") = random.next() >> 32;
        port("timer_tick") = std::max<uint64_t>(4, random.of(timer_round) / links);
        port("link_slots") = random.below(2) ? slots >> random.below(3) : 0;   // 0 = no limit
        port("lengths") = random.below(4);
        port("gap_mask") = random.of(gap);
        port("tx_stall") = random.of(stall);
        port("rx_stall") = random.of(stall);
        port("hold_mask") = random.of(long_pause);
    }
    uint64_t both_lose = random.of(loss);
    for (const char *xy : {"ab", "ba"}) {
        auto port = [&](const char *name) -> uint64_t & { return s[std::string(xy) + "_" + name]; };
        port("loss") = random.below(3) ? both_lose : random.of(loss);
        port("double") = random.of(fault);
        port("reorder") = random.of(fault);
        port("corrupt") = random.of(fault);
        port("delay") = random.of(delay);
        port("hold_mask") = random.of(hold);
        port("pause") = random.of(wire_pause);
    }
    return s;
}
