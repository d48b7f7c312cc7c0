// The engine's random bits: a shift register of 24 bits that is stepped in every clock.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace ttp::packet {

class Lfsr {
public:
    explicit Lfsr(uint32_t seed = 0) : state_((seed & MASK) | 1) {}

    // The state in clock `clock`, which never goes back.
    uint32_t at(uint64_t clock) {
        uint64_t steps = clock - clock_;
        clock_ = clock;
        for (int power = 0; steps; ++power, steps >>= 1)
            if (steps & 1) state_ = jump(power, state_);
        return state_;
    }

private:
    static constexpr uint32_t MASK = 0xFF'FFFF;
    static constexpr int POWERS = 40;
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
