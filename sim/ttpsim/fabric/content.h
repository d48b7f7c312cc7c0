// What a packet is made of: all follows from (source, destination, VC, number).
#pragma once

#include "frame.h"
#include "settings.h"
#include "workload.h"

namespace ttp::fabric {

struct Content {
    static uint64_t key(int from, int to, int vc, uint32_t number) {
        return mix(mix(uint64_t(from) << 24 | uint64_t(to) << 8 | vc) + number);
    }
    // Bytes `at` to `at` + 7, the first one lowest.
    static uint64_t word(uint64_t key, int at) { return mix(key + at); }
};

inline int length_of(const HostSettings &s, int from, int to, int vc, uint32_t number) {
    if (vc == REQ_HI) return s.ping_bytes;
    if (s.workload) return s.workload->length(from, to, number);
    if (s.bytes) return s.bytes;
    return 1 + int(Content::word(Content::key(from, to, vc, number), 5000) % 1024);
}

}  // namespace ttp::fabric
