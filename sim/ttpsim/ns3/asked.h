// What a run of TCP in ns-3 is told besides the settings of `ttpoe packet`, and the units of both.
#pragma once

#include "network_options.h"
#include "options_of_run.h"
#include "shape.h"

#include "ns3/core-module.h"

namespace ttp::ns {

inline constexpr int CLOCK_NS = 8;                  // 125 MHz; a beat of WB bytes in each
inline const uint64_t LINE_BPS = 8ull * WB * 1'000'000'000 / CLOCK_NS;

inline ns3::Time time_of(uint64_t clocks) { return ns3::NanoSeconds(clocks * CLOCK_NS); }
inline uint64_t clock_now() { return ns3::Simulator::Now().GetNanoSeconds() / CLOCK_NS; }

struct Asked : packet::Settings {
    std::string tcp = "dctcp", json;
    uint32_t segment = 1024, initial_window = 10, delayed_acks = 1;
    uint64_t min_rto_us = 200;
    uint32_t mark_at = 16384;           // DCTCP: bytes in a queue from which on packets are marked
};

inline void read(int count, char **words, Asked &a) {
    Options options("tcp");
    fabric::network_options(options, a)
        .text("--json", a.json)
        .text("--tcp", a.tcp)
        .number("--fat-tree", a.pods_of)
        .number("--steps", a.steps)
        .number("--segment", a.segment)
        .number("--initial-window", a.initial_window)
        .number("--ack-every", a.delayed_acks)
        .number("--min-rto", a.min_rto_us)
        .number("--mark-at", a.mark_at)
        .read(count, words);
}

}  // namespace ttp::ns
