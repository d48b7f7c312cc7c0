// How much a network has to carry.
#pragma once

#include <map>
#include <vector>

#include "content.h"
#include "traffic.h"

namespace ttp::fabric {

// How long the network needs at least for what is planned, in clocks. `Topology` knows which ports
// between switches a frame takes.
template <typename Topology>
class Load {
public:
    Load(int nodes, const Topology &topology) : topology_(topology), in_(nodes), out_(nodes) {}
    Load(const Settings &settings, const Traffic &traffic, const Topology &topology)
        : Load(settings.nodes, topology) {
        if (settings.host.workload) {
            add(*settings.host.workload);
            return;
        }
        for (int from = 0; from < settings.nodes; ++from)
            for (int to : traffic.peers(from)) {
                uint64_t beats = 0;
                for (int n = 0; n < settings.count; ++n)
                    beats += beats_of(60 + length_of(settings.host, from, to, DATA, n));
                add_beats(from, to, beats, settings.count);
            }
    }

    // Packets that long, and their ACKs.
    void add(int from, int to, int bytes, uint64_t count = 1) {
        add_beats(from, to, count * beats_of(60 + bytes), count);
    }

    uint64_t packets = 0;
    // Of the busiest port of a host; of the busiest of all.
    uint64_t hosts() const {
        return std::max(*std::max_element(in_.begin(), in_.end()),
                        *std::max_element(out_.begin(), out_.end()));
    }
    uint64_t all() const {
        uint64_t most = hosts();
        for (auto &[port, beats] : inner_) most = std::max(most, beats);
        return most;
    }

private:
    void add(const Workload &workload) {
        for (const Workload::Message &m : workload.messages()) {
            const uint32_t last = m.packets - 1;        // the others are as long as the first
            add_beats(m.from, m.to,
                      beats_of(60 + workload.length(m, last))
                          + uint64_t(last) * beats_of(60 + workload.length(m, 0)),
                      m.packets);
        }
    }
    void add_beats(int from, int to, uint64_t beats, uint64_t count) {
        one_way(from, to, beats);
        one_way(to, from, count * beats_of(60));        // their ACKs
        packets += count;
    }
    void one_way(int from, int to, uint64_t beats) {
        out_[from] += beats;
        in_[to] += beats;
        for (int port : topology_.inner_ports(from, to)) inner_[port] += beats;
    }
    const Topology &topology_;
    std::vector<uint64_t> in_, out_;
    std::map<int, uint64_t> inner_;
};

}  // namespace ttp::fabric
