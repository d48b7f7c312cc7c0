// What a run of the packet model is told besides the settings of `ttpoe fabric`.
#pragma once

#include "settings.h"

namespace ttp::packet {

struct Settings : fabric::Settings {
    int pods_of = 0;            // a fat tree of switches with so many ports; 0: none
    int steps = 0;              // of a ring; 0: all of an all-reduce, twice the nodes less one
    uint64_t reset_clocks = 0;  // from reset to clock 0, as in the fabric
};

}  // namespace ttp::packet
