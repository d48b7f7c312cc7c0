// What a run is told: who is there, who sends what to whom, and over which network.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "random.h"

namespace ttp::fabric {

class Workload;

inline constexpr uint64_t SAMPLE_CLOCKS = 256;

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
    std::shared_ptr<const Workload> workload;   // says how long packets of DATA are, if there is one
};

struct Settings {
    std::string traffic = "incast";     // all_to_all, permutation, reverse: traffic.h; workload
    int nodes = 4, count = 64;          // packets of each sender to each of its destinations
    uint64_t seed = 1, limit = 0;       // limit: clocks after which it is given up; 0: none
    uint64_t clocks = 0;                // of traffic without an end; 0: `count` packets
    int link_slots = 0, tick = 0, selective = 1;
    int congestion = 1;                 // offered, if the engines have congestion control
    int spread = 0;                     // each sender begins in one of the first so many clocks
    int old = 0, old_slots = 0;         // nodes whose engine does not offer it, and their limit
    int liar = 0, says = 0, hears = 0;  // a node, and codes that it says and hears; 0: the truth
    int modules = 0;                    // the last nodes: Tesla's module
    uint64_t module_timer = 46'875'000; // clocks until it sends a PAYLOAD again: 375 ms, 125 MHz
    int join = 0;                       // senders that are there from join_at to leave_at only
    uint64_t join_at = 0, leave_at = 0; // leave_at 0: they stay
    int delay = 32;                     // of a cable, clocks
    int leaf_hosts = 0, spines = 1;
    int pods = 0, cores = 1;            // of a fat tree: cores of each spine of a pod
    int groups = 1;                     // of all_to_all and ring: each by itself
    int chunk = 16;                     // packets of one step of a ring
    int ping_every = 0;                 // clocks between two urgent packets to host 0; 0: none
    int batch = 16;                     // engines that take an edge together; 0: one by one
    int lanes = 1;                      // engines go through a clock together; 0: they do not
    int skip = 1;                       // engines without input; 2: prove that it is the same
    std::string kinds;                  // of engines that are not of kind 0: `first-last=kind ...`
    std::string partition = "block";    // of nodes over processes; or stripe
    std::string results;                // file for what each node and each flow has done
    std::string workload;               // file of messages that takes the place of the traffic
    std::string checkpoint, resume;     // names of files (checkpoint.h); none if empty
    int checkpoint_seconds = 600;       // between two of them
    std::string program;                // and all settings, which a checkpoint is of
    std::string samples;                // file for queue and senders over time; none if empty
    std::string order;                  // file for each packet's arrival; none if empty
    SwitchSettings network;
    HostSettings host;

    // Of a node's engine, among the kinds that the program is compiled for.
    int kind(int node) const {
        int first, last, kind, read;
        for (const char *at = kinds.c_str();
             std::sscanf(at, " %d-%d=%d%n", &first, &last, &kind, &read) == 3; at += read)
            if (node >= first && node <= last) return kind;
        return 0;
    }
    // Clocks that each process goes through before beats are exchanged; a delay of this at least.
    int window() const { return std::min(delay, 1024); }
    int group() const { return nodes / groups; }                // nodes of each
    // Nodes that take turns with urgent packets: 1 and the next ones.
    int pingers() const { return nodes - modules - 1; }
    bool pings(int node) const { return ping_every && node >= 1 && node <= pingers(); }

    // Nodes from 0: engines as they are, of them the last `join` come and go; old ones; modules.
    bool is_module(int node) const { return node >= nodes - modules; }
    bool is_old(int node) const { return !is_module(node) && node >= nodes - modules - old; }
    int says_of(int node) const { return node == liar ? says : 0; }
    int hears_of(int node) const { return node == liar ? hears : 0; }
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
