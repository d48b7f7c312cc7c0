// Frames as a switch sees them. Whoever includes this has WB, the bytes of a beat.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ttp::fabric {

inline constexpr uint32_t NODE_BASE = 0x5A0000;     // node i is this + i: no two hash alike
inline constexpr int LONGEST_FRAME = 60 + 1024;
inline constexpr int ADDRESS_BYTES = 12;     // destination and source
inline constexpr int OPCODE_AT = 42, VC_AT = 43, CODE_AT = 48, TX_ID_AT = 52;
inline constexpr int PAYLOAD_OPCODE = 6, ACK_OPCODE = 7;
enum Vc { REQ_HI = 1, DATA = 2 };

inline int beats_of(int bytes) { return (std::max(bytes, 64) + WB - 1) / WB; }

// What one output port, or all of a switch, has done.
struct SwitchCounts {
    uint64_t frames = 0, dropped_full = 0, lost = 0, beats = 0, defects = 0;
    uint64_t data = 0, data_dropped = 0;    // PAYLOADs on DATA: sent by hosts, found no room
    int64_t peak = 0;                   // most bytes in the queue

    void add(const SwitchCounts &c) {
        frames += c.frames;
        dropped_full += c.dropped_full;
        lost += c.lost;
        beats += c.beats;
        defects += c.defects;
        data += c.data;
        data_dropped += c.data_dropped;
        peak = std::max(peak, c.peak);
    }
};

}  // namespace ttp::fabric
