// Which switches there are, what is plugged into them, and which way frames take; nothing of it is
// in motion. One switch for all hosts, leaves and spines, or a fat tree of three levels.
#pragma once

#include <functional>
#include <vector>

#include "frame.h"
#include "settings.h"

namespace ttp::fabric {

class Topology {
public:
    // Destination, port of arrival and, for a box that chooses `by_source`, source -> port.
    using Route = std::function<int(uint32_t, int, uint32_t)>;
    struct Box { int ports, hosts, near; bool by_source; Route route; };    // near: to which host
    struct End { int host = -1, box = -1, port = 0; };      // a host, or a port of a switch
    struct Line { End from, to; };                          // one direction of a cable

    explicit Topology(const Settings &settings) : s_(settings) {
        if (!s_.leaf_hosts) {
            add(s_.nodes, s_.nodes, 0, false, [](uint32_t to, int, uint32_t) { return int(to); });
            for (int host = 0; host < s_.nodes; ++host) plug(host, 0, host);
            return;
        }
        add_leaves();
        if (s_.pods) add_pods();
        else add_spines();
    }

    // The ports between switches that a frame takes: a number for each.
    std::vector<int> inner_ports(int from, int to) const {
        std::vector<int> found;
        for (End at = plugs_[from];;) {
            const int out = boxes[at.box].route(to, at.port, from);
            const End next = far_[at.box][out];
            if (next.host >= 0) return found;
            found.push_back(first_port_[at.box] + out);
            at = next;
        }
    }
    // Clocks of a PAYLOAD that long to the farthest host and of its ACK, in an idle network.
    int idle_round_trip(int bytes) const {
        const int data = beats_of(60 + bytes), ack = beats_of(60);
        return data + ack + (s_.network.cut_through ? 0 : hops() * (data - 1 + ack - 1))
               + 2 * (hops() + 1) * s_.delay + ENGINE_CLOCKS + (hops() - 1) * SWITCH_CLOCKS
               + (s_.network.cut_through && hops() == 5 ? 4 * WAITS : 0);
    }

    std::vector<Box> boxes;
    std::vector<Line> lines;

private:
    int leaves() const { return (s_.nodes + s_.leaf_hosts - 1) / s_.leaf_hosts; }
    int pod_leaves() const { return (leaves() + s_.pods - 1) / s_.pods; }
    // Of the longest way: one switch, leaf and spine and leaf, or up to the core and down again.
    int hops() const {
        if (!s_.leaf_hosts || leaves() == 1) return 1;
        return s_.pods && leaves() > pod_leaves() ? 5 : 3;
    }

    void add_leaves() {
        const int hosts = s_.leaf_hosts, spines = s_.spines;
        for (int leaf = 0; leaf < leaves(); ++leaf) {
            add(hosts + spines, hosts, leaf * hosts, false, [=](uint32_t to, int from, uint32_t) {
                if (int(to) / hosts == leaf) return int(to) % hosts;
                return hosts + way(to, leaf * hosts + from, spines);
            });
            for (int place = 0; place < hosts && leaf * hosts + place < s_.nodes; ++place)
                plug(leaf * hosts + place, leaf, place);
        }
    }
    // Each spine has a port to each leaf. A pair of hosts always takes the same one, so that
    // nothing overtakes; the same holds for cores.
    void add_spines() {
        const int hosts = s_.leaf_hosts;
        for (int spine = 0; spine < s_.spines; ++spine) {
            add(leaves(), 0, spine * s_.nodes / s_.spines, false,
                [=](uint32_t to, int, uint32_t) { return int(to) / hosts; });
            for (int leaf = 0; leaf < leaves(); ++leaf)
                join(leaf, hosts + spine, boxes.size() - 1, leaf);
        }
    }
    // Spine i of a pod has a port to each leaf of the pod, and one to each core of group i; a core
    // has a port to each pod.
    void add_pods() {
        const int hosts = s_.leaf_hosts, each = pod_leaves(), cores = s_.cores;
        const int first_spine = boxes.size();
        for (int pod = 0; pod < s_.pods; ++pod)
            for (int spine = 0; spine < s_.spines; ++spine) {
                const int near = std::min(s_.nodes - 1, pod * each * hosts);
                add(each + cores, 0, near, true, [=, this](uint32_t to, int, uint32_t from) {
                    const int leaf = int(to) / hosts;
                    if (leaf / each == pod) return leaf % each;
                    // One hash for both choices: the leaf's is what it leaves of `spines`.
                    return each + way(to, from, s_.spines * cores) / s_.spines;
                });
                for (int leaf = pod * each; leaf < std::min(leaves(), (pod + 1) * each); ++leaf)
                    join(leaf, hosts + spine, boxes.size() - 1, leaf % each);
            }
        for (int spine = 0; spine < s_.spines; ++spine)
            for (int core = 0; core < cores; ++core) {
                const int near = (spine * cores + core) * s_.nodes / (s_.spines * cores);
                add(s_.pods, 0, near, false,
                    [=](uint32_t to, int, uint32_t) { return int(to) / hosts / each; });
                for (int pod = 0; pod < s_.pods; ++pod)
                    join(first_spine + pod * s_.spines + spine, each + core, boxes.size() - 1,
                         pod);
            }
    }

    void add(int ports, int hosts, int near, bool by_source, Route route) {
        first_port_.push_back(boxes.empty() ? 0 : first_port_.back() + boxes.back().ports);
        boxes.push_back({ports, hosts, near, by_source, std::move(route)});
        far_.emplace_back(ports);
    }
    void plug(int host, int box, int port) {
        plugs_.push_back({-1, box, port});
        cable({host, -1, 0}, {-1, box, port});
    }
    void join(int a, int port_a, int b, int port_b) {
        cable({-1, a, port_a}, {-1, b, port_b});
    }
    void cable(End a, End b) {
        lines.push_back({a, b});
        lines.push_back({b, a});
        if (a.host < 0) far_[a.box][a.port] = b;
        far_[b.box][b.port] = a;
    }
    // By both addresses, as switches do: hosts at the same place of their leaves part, too.
    static int way(int to, int from, int ways) {
        return int(mix(uint64_t(to) << 24 | from) % ways);
    }

    // From a PAYLOAD's last beat to its ACK's first, with what one switch adds; of one more switch;
    // what a spine of a pod waits for the source address, where a beat has not room for both.
    static constexpr int ENGINE_CLOCKS = 17, SWITCH_CLOCKS = 2, WAITS = WB < ADDRESS_BYTES;
    const Settings &s_;
    std::vector<End> plugs_;                    // of hosts, where they are
    std::vector<std::vector<End>> far_;         // by switch and port: what is at the other end
    std::vector<int> first_port_;               // number of a switch's first port
};

}  // namespace ttp::fabric
