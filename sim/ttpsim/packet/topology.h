// Networks: one switch for all hosts, leaves joined by spines, or a fat tree of three tiers.
#pragma once

#include "network.h"
#include "options_of_run.h"

namespace ttp::packet {

// Which of `count` ways up a pair of hosts takes: by both addresses, as switches do.
inline int way_up(int to, int from, int count) {
    return int(mix(uint64_t(to) << 24 | from) % count);
}

class Topology {
public:
    Topology(Network &network, const Settings &s) : n_(network), s_(s) {
        if (s.pods_of) fat_tree();
        else if (s.leaf_hosts) leaves();
        else one();
    }

    // The ports between switches that a frame takes: a number for each port and direction.
    std::vector<int> inner_ports(int from, int to) const {
        std::vector<int> found;
        int at = n_.hosts[from].at;
        while (true) {
            const int out = n_.route(at, to, from);
            const Port &port = n_.switches[at][out];
            if (port.to_switch < 0) return found;
            found.push_back(first_port_[at] + out);
            at = port.to_switch;
        }
    }
    int switches_between(int from, int to) const { return int(inner_ports(from, to).size()) + 1; }

    // Clocks of a PAYLOAD that long to the farthest host and of its ACK, in an idle network.
    int idle_round_trip(int bytes) const {
        constexpr int ENGINE = 17, SWITCH = 2;
        const int hops = switches_between(0, s_.nodes - 1);
        const int data = beats_of(60 + bytes), ack = beats_of(60);
        return data + ack + (s_.network.cut_through ? 0 : hops * (data - 1 + ack - 1))
               + 2 * (hops + 1) * s_.delay + ENGINE + (hops - 1) * SWITCH;
    }

private:
    void make(int count, int ports) {
        for (int n = 0; n < count; ++n) {
            first_port_.push_back(ports_);
            ports_ += ports;
        }
        n_.make(count, ports);
    }
    void one() {
        make(1, s_.nodes);
        for (int node = 0; node < s_.nodes; ++node) n_.host(0, node);
        n_.route = [](int, int to, int) { return to; };
    }

    void leaves() {
        const int size = s_.leaf_hosts, spines = s_.spines;
        const int count = (s_.nodes + size - 1) / size;
        make(count, size + spines);
        make(spines, count);
        for (int node = 0; node < s_.nodes; ++node) n_.host(node / size, node % size);
        for (int leaf = 0; leaf < count; ++leaf)
            for (int spine = 0; spine < spines; ++spine)
                n_.join(leaf, size + spine, count + spine, leaf);
        n_.route = [=](int at, int to, int from) {
            if (at >= count) return to / size;
            if (to / size == at) return to % size;
            return size + way_up(to, from, spines);
        };
    }

    // k pods of k/2 edge and k/2 middle switches, each edge switch with k/2 hosts; (k/2)^2 on top.
    void fat_tree() {
        const int half = s_.pods_of / 2, pod_hosts = half * half;
        const int edges = half * s_.pods_of;    // and as many in the middle
        make(2 * edges, 2 * half);
        make(half * half, s_.pods_of);
        for (int node = 0; node < s_.nodes; ++node) n_.host(node / half, node % half);
        for (int edge = 0; edge < edges; ++edge) {
            const int pod = edge / half, in_pod = edge % half;
            for (int up = 0; up < half; ++up) {
                n_.join(edge, half + up, edges + pod * half + up, in_pod);
                n_.join(edges + edge, half + up, 2 * edges + in_pod * half + up, pod);
            }
        }
        n_.route = [=](int at, int to, int from) {
            if (at >= 2 * edges) return to / pod_hosts;
            const int way = way_up(to, from, half * half);
            if (at < edges) return to / half == at ? to % half : half + way % half;
            if (to / pod_hosts == (at - edges) / half) return to / half % half;
            return half + way / half;
        };
    }

    Network &n_;
    const Settings &s_;
    std::vector<int> first_port_;
    int ports_ = 0;
};

}  // namespace ttp::packet
