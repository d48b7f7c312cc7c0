// The hosts of the abuse runs: what they send, and what must arrive.
#pragma once

#include <algorithm>

#include "engine.h"

// All of a packet follows from (seed, direction and VC, number).

struct Packet {
    static uint64_t key(uint64_t seed, int flow, uint32_t number) {
        return mix(seed * 64 + flow) + (uint64_t(number) << 20);
    }
    static int length(uint64_t seed, int flow, uint32_t number) {
        uint64_t r = mix(key(seed, flow, number) ^ 0x5A5A);
        int limit = (r & 15) == 0 ? 1024 : (r & 3) == 0 ? 200 : 40;
        return 4 + int((r >> 8) % (limit - 3));
    }
    // The first four bytes are the packet's number.
    static uint8_t byte(uint64_t seed, int flow, uint32_t number, int at) {
        if (at < 4) return uint8_t(number >> 8 * at);
        return uint8_t(mix(key(seed, flow, number) + at / 8) >> 8 * (at % 8));
    }
};

// A host that sends on one VC as fast as it may.
struct Source {
    uint64_t seed = 0;
    int flow = 0;
    uint32_t number = 0, limit = ~0u;
    int at = 0;

    bool valid() const { return at || number < limit; }
    Beat beat() const {
        Beat b;
        if (!(b.valid = valid())) return b;
        int size = Packet::length(seed, flow, number), n = std::min(WB, size - at);
        for (int lane = 0; lane < WB; ++lane)
            b.data[lane] = lane < n ? Packet::byte(seed, flow, number, at + lane) : 0;
        b.keep = n == 64 ? ~0ull : (1ull << n) - 1;
        b.last = at + n == size;
        return b;
    }
    void taken() {
        at += WB;
        if (at >= Packet::length(seed, flow, number)) { at = 0; ++number; }
    }
    // The engine was reset: what was cut is not sent again.
    void cut() { if (at) { at = 0; ++number; } }
};

// A host that reads one VC. `strict`: every packet, in order; else in order, some may be missing.
struct Sink {
    uint64_t seed = 0;
    int flow = 0;
    uint32_t next = 0, packets = 0;
    bool strict = true;
    std::string bytes;

    void taken(const Beat &b) {
        for (int lane = 0; lane < WB && (b.keep >> lane & 1); ++lane) bytes += char(b.data[lane]);
        if (!b.last) return;
        if (bytes.size() < 4) throw Failure{where() + "a packet of less than 4 bytes"};
        uint32_t number = uint8_t(bytes[0]) | uint8_t(bytes[1]) << 8 | uint8_t(bytes[2]) << 16
                          | uint32_t(uint8_t(bytes[3])) << 24;
        if (strict ? number != next : number < next)
            throw Failure{where() + "packet " + std::to_string(number) + " where "
                          + std::to_string(next) + " is due"};
        bool same = int(bytes.size()) == Packet::length(seed, flow, number);
        for (size_t at = 0; same && at < bytes.size(); ++at)
            same = uint8_t(bytes[at]) == Packet::byte(seed, flow, number, int(at));
        if (!same) throw Failure{where() + "packet " + std::to_string(number) + " is altered"};
        next = number + 1;
        ++packets;
        bytes.clear();
    }
    std::string where() const {
        return "host " + std::string(flow >= VCS ? "a" : "b") + ", VC "
               + std::to_string(flow % VCS) + ": ";
    }
};
