// Which process has which nodes and switches. Nothing that is measured depends on it.
#pragma once

#include <numeric>

#include "topology.h"

namespace ttp::fabric {

struct Partition {
    std::vector<int> node, box;         // process of each node, and of each switch

    Partition(const Settings &s, const Topology &topology, int processes)
        : node(s.nodes), box(topology.boxes.size()) {
        if (s.partition == "stripe") {
            for (size_t n = 0; n < node.size(); ++n) node[n] = n % processes;
            for (size_t b = 0; b < box.size(); ++b) box[b] = b % processes;
            return;
        }
        // Neighbours together, and switches where their hosts are; so much work for each process.
        std::vector<double> work(s.nodes, 1);
        for (const auto &b : topology.boxes) work[b.near] += PORT * b.ports;
        const double all = std::accumulate(work.begin(), work.end(), 0.0);
        double before = 0;
        for (int n = 0; n < s.nodes; ++n) {
            node[n] = std::min(processes - 1, int((before + work[n] / 2) / all * processes));
            before += work[n];
        }
        for (size_t b = 0; b < box.size(); ++b) box[b] = node[topology.boxes[b].near];
    }

private:
    static constexpr double PORT = 0.01;        // of a switch, in engines
};

}  // namespace ttp::fabric
