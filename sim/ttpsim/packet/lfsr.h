// The engine's random bits: a shift register of 24 bits that is stepped in every clock.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace ttp::packet {

class Lfsr {
public:
    explicit Lfsr(uint32_t seed = 0) : state_((seed & MASK) | 1) {}

    // The state in clock `clock`. It may be one before the last one asked for: a code is of random
    // bits of some clocks ago. After `PERIOD` steps the state is the same, so it goes back forwards.
    uint32_t at(uint64_t clock) {
        const int64_t past = int64_t(clock - clock_) % PERIOD;
        clock_ = clock;
        uint32_t steps = past < 0 ? past + PERIOD : past;
        for (int power = 0; steps; ++power, steps >>= 1)
            if (steps & 1) state_ = jump(power, state_);
        return state_;
    }

private:
    static constexpr uint32_t MASK = 0xFF'FFFF;
    static constexpr int POWERS = 24;
    static constexpr int64_t PERIOD = MASK;     // every state but 0
    using Table = std::array<std::array<uint32_t, 256>, 3>;     // by byte of the state

    static uint32_t step(uint32_t s) {
        return (s << 1 & MASK) | ((s >> 23 ^ s >> 22 ^ s >> 21 ^ s >> 16) & 1);
    }
    static uint32_t look(const Table &table, uint32_t s) {
        return table[0][s & 255] ^ table[1][s >> 8 & 255] ^ table[2][s >> 16];
    }
    // 2^power steps: linear in the state, so three bytes are looked up.
    static uint32_t jump(int power, uint32_t s) {
        static const std::vector<Table> tables = [] {
            std::vector<Table> made(POWERS);
            for (int p = 0; p < POWERS; ++p)
                for (int byte = 0; byte < 3; ++byte)
                    for (uint32_t value = 0; value < 256; ++value) {
                        const uint32_t from = value << 8 * byte;
                        made[p][byte][value] =
                            p ? look(made[p - 1], look(made[p - 1], from)) : step(from);
                    }
            return made;
        }();
        return look(tables[power], s);
    }

    uint32_t state_;
    uint64_t clock_ = 0;
};

}  // namespace ttp::packet
