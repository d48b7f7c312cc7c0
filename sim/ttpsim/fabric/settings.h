// What a run is told: who is there, who sends what to whom, and over which network.
#pragma once

#include <cstdint>
#include <string>

#include "random.h"

namespace ttp::fabric {

struct SwitchSettings {
    bool cut_through = false;
    int64_t buffer = 65536;             // bytes of each output port
    uint64_t loss_ppm = 0;              // of the frames that enter
    std::string defect;                 // what the checks must find: swap, port, node or number
};

struct HostSettings {
    int bytes = 1024;               // of a DATA packet; 0: 1 to 1024, by its contents
    int ping_bytes = 64;
    int stop_clocks = 0;            // the reader of DATA stops for so many clocks ...
    int stop_period = 0;            // ... of so many
};

struct Settings {
    std::string traffic = "incast";     // all_to_all, permutation or reverse: see traffic.h
    int nodes = 4, count = 64;          // packets of each sender to each of its destinations
    uint64_t seed = 1, limit = 0;       // limit: clocks after which it is given up; 0: none
    uint64_t clocks = 0;                // of traffic without an end; 0: `count` packets
    int link_slots = 0, tick = 0, selective = 1;
    int congestion = 1;                 // offered, if the engines have congestion control
    int spread = 0;                     // each sender begins in one of the first so many clocks
    int old = 0, old_slots = 0;         // nodes whose engine does not offer it, and their limit
    int modules = 0;                    // the last nodes: Tesla's module
    uint64_t module_timer = 46'875'000; // clocks until it sends a PAYLOAD again: 375 ms, 125 MHz
    int join = 0;                       // senders that are there from join_at to leave_at only
    uint64_t join_at = 0, leave_at = 0; // leave_at 0: they stay
    int delay = 32;                     // of a cable, clocks
    int leaf_hosts = 0, spines = 1;
    int ping_every = 0;                 // clocks between two urgent packets to host 0; 0: none
    int batch = 1;                      // 0: engines one after the other (edge.h)
    std::string samples;                // file for queue and senders over time; none if empty
    std::string order;                  // file for each packet's arrival; none if empty
    SwitchSettings network;
    HostSettings host;

    // Nodes from 0: engines as they are, of them the last `join` come and go; old ones; modules.
    bool is_module(int node) const { return node >= nodes - modules; }
    bool is_old(int node) const { return !is_module(node) && node >= nodes - modules - old; }
    bool joins(int node) const {
        const int end = nodes - modules - old;
        return node < end && node >= end - join;
    }
    // Whether the sender has packets in this clock.
    bool active(int node, uint64_t clock) const {
        return clock >= begins(node)
               && (!joins(node) || (clock >= join_at && (!leave_at || clock < leave_at)));
    }
    uint64_t begins(int node) const {
        return spread ? mix(mix(seed) ^ uint64_t(node)) % spread : 0;
    }
};

}  // namespace ttp::fabric
