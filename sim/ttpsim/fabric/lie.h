// A peer that lies about congestion: what it says, or what it hears, of backlogged links is changed
// on its cable. Its engine is as the others are.
#pragma once

#include "frame.h"

namespace ttp::fabric {

class Lie {
public:
    // `code`: what stands in byte 48 of every answer that tells one; 0: what is true.
    explicit Lie(int code) : code_(uint8_t(code)) {}

    // One direction of a cable, in each clock.
    Beat of(Beat b) {
        if (!code_ || !b.valid) return b;
        if (at_ <= OPCODE_AT && OPCODE_AT < at_ + WB)
            payload_ = b.data[OPCODE_AT - at_] == PAYLOAD_OPCODE;
        if (at_ <= CODE_AT && CODE_AT < at_ + WB) {
            uint8_t &said = b.data[CODE_AT - at_];
            if (said && !payload_) said = code_;
        }
        at_ = b.last ? 0 : at_ + WB;
        return b;
    }
    template <typename Archive>
    void state(Archive &a) { a & at_ & payload_; }

private:
    uint8_t code_;
    int at_ = 0;                        // of the frame, where the next beat begins
    bool payload_ = false;
};

}  // namespace ttp::fabric
