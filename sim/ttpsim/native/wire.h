// What goes over a wire in one clock: of all engines of a program, which have one width of datapath.
#pragma once

#include <cstdint>

#include "beat.h"
#include "engine_ports.h"       // generated: sim/ttpsim/native/engine_ports.py
#include "failure.h"

namespace ttp {

inline constexpr int WB = WIDTH_BYTES;
inline constexpr int VCS = 3;

struct Beat {
    uint8_t data[WB] = {};
    uint64_t keep = 0;
    bool valid = false, last = false, error = false;
};

}  // namespace ttp
