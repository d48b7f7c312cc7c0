// Switches joined by cables: one for all hosts, or leaves and spines.
#pragma once

#include "switch.h"

namespace ttp::fabric {

// One switch for all hosts, or leaves joined by spines. `hosts[i]` is where host i plugs in.
class Network {
public:
    // `leaf_hosts` 0: one switch. A pair of hosts always takes the same spine: nothing overtakes.
    Network(int nodes, int leaf_hosts, int spines, int delay, const SwitchSettings &settings,
            uint64_t seed) : leaf_hosts_(leaf_hosts), spines_(spines), delay_(delay) {
        if (!leaf_hosts) {
            add(nodes, nodes, settings, seed, [](uint32_t to, int) { return int(to); });
            for (Port &port : switches[0]->port) hosts.push_back(&port);
            return;
        }
        const int leaves = (nodes + leaf_hosts - 1) / leaf_hosts;
        for (int leaf = 0; leaf < leaves; ++leaf) {
            add(leaf_hosts + spines, leaf_hosts, settings, seed + leaf,
                [=](uint32_t to, int from) {
                    if (int(to) / leaf_hosts == leaf) return int(to) % leaf_hosts;
                    return leaf_hosts + spine_of(to, leaf * leaf_hosts + from, spines);
                });
            for (int host = 0; host < leaf_hosts && int(hosts.size()) < nodes; ++host)
                hosts.push_back(&switches[leaf]->port[host]);
        }
        for (int spine = 0; spine < spines; ++spine) {
            add(leaves, 0, settings, seed + leaves + spine,
                [=](uint32_t to, int) { return int(to) / leaf_hosts; });
            for (int leaf = 0; leaf < leaves; ++leaf)
                join(switches[leaf]->port[leaf_hosts + spine], switches.back()->port[leaf]);
        }
    }

    // The ports between switches that a frame takes: a number for each port and direction.
    std::vector<int> inner_ports(int from, int to) const {
        if (!leaf_hosts_ || from / leaf_hosts_ == to / leaf_hosts_) return {};
        const int spine = spine_of(to, from, spines_);
        return {from / leaf_hosts_ * spines_ * 2 + spine,
                (to / leaf_hosts_ * 2 + 1) * spines_ + spine};
    }
    // Bytes in the queue of the port to host 0.
    int64_t queue() const { return switches[0]->held(0); }
    // Clocks of a PAYLOAD that long to the farthest host and of its ACK, in an idle network.
    int idle_round_trip(int bytes, bool cut_through) const {
        const int hops = leaf_hosts_ && switches.size() > 1 + size_t(spines_) ? 3 : 1;
        const int data = beats_of(60 + bytes), ack = beats_of(60);
        return data + ack + (cut_through ? 0 : hops * (data - 1 + ack - 1))
               + 2 * (hops + 1) * delay_ + ENGINE_CLOCKS + (hops - 1) * SWITCH_CLOCKS;
    }

    void join(Port &a, Port &b) {
        cables_.emplace_back(a, b, delay_);
        cables_.emplace_back(b, a, delay_);
    }
    void clock() {
        for (Cable &cable : cables_) cable.clock();
        for (auto &one : switches) one->clock();
    }
    bool idle() const {
        for (auto &one : switches) if (!one->idle()) return false;
        for (const Cable &cable : cables_) if (!cable.idle()) return false;
        return true;
    }
    SwitchCounts sum() const {
        SwitchCounts all;
        for (auto &one : switches)
            for (const SwitchCounts &c : one->counts) {
                all.frames += c.frames;
                all.dropped_full += c.dropped_full;
                all.lost += c.lost;
                all.beats += c.beats;
                all.data += c.data;
                all.data_dropped += c.data_dropped;
                all.defects += c.defects;
                all.peak = std::max(all.peak, c.peak);
            }
        return all;
    }

    std::vector<std::unique_ptr<Switch>> switches;
    std::vector<Port *> hosts;

private:
    template <typename Route>
    void add(int ports, int hosts, const SwitchSettings &settings, uint64_t seed, Route route) {
        switches.push_back(std::make_unique<Switch>(ports, hosts, settings, seed, route));
    }
    // Of both addresses, as switches do: hosts at the same place of their leaves part, too.
    static int spine_of(int to, int from, int spines) {
        return int(mix(uint64_t(to) << 24 | from) % spines);
    }

    // From a PAYLOAD's last beat to its ACK's first, with what one switch adds; of one more switch.
    static constexpr int ENGINE_CLOCKS = 17, SWITCH_CLOCKS = 2;
    int leaf_hosts_, spines_, delay_;
    std::deque<Cable> cables_;
};

}  // namespace ttp::fabric
