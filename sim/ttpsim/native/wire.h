// What goes over a wire in one clock, and what is thrown when a check fails: of all engines of a
// program, which have one width of datapath.
#pragma once

#include <cstdint>
#include <string>

#include "beat.h"
#include "engine_ports.h"       // generated: sim/ttpsim/native/engine_ports.py

namespace ttp {

inline constexpr int WB = WIDTH_BYTES;
inline constexpr int VCS = 3;

struct Beat {
    uint8_t data[WB] = {};
    uint64_t keep = 0;
    bool valid = false, last = false, error = false;
};

struct Failure {
    std::string text;
};

}  // namespace ttp
