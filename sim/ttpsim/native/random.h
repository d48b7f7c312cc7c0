// Steele's splitmix64: the only random numbers of the native programs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ttp {

// One step of the generator from `state`; also a hash of 64 bits to 64 bits.
inline uint64_t mix(uint64_t state) {
    uint64_t z = state + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    // Stream `number` of `seed`: streams of one seed have nothing to do with each other.
    Random(uint64_t seed, uint64_t number) : state_(mix(seed) ^ (number * 0xD1342543DE82EF95u)) {
        next();
    }
    uint64_t next() {
        uint64_t value = mix(state_);
        state_ += 0x9E3779B97F4A7C15u;
        return value;
    }
    uint64_t below(uint64_t limit) { return next() % limit; }
    // True in `share` of `of` calls.
    bool chance(uint64_t share, uint64_t of) { return below(of) < share; }
    template <size_t count>
    uint64_t of(const uint32_t (&choices)[count]) { return choices[below(count)]; }

private:
    uint64_t state_;
};

}  // namespace ttp
