// How much a network has to carry.
#pragma once

#include <map>
#include <vector>

#include "frame.h"

namespace ttp::fabric {

// How long the network needs at least for what is planned, in clocks.
template <typename Network>
class Load {
public:
    Load(const Network &network, int nodes)
        : network_(network), in_(nodes), out_(nodes) {}
    // Packets that long, and their ACKs.
    void add(int from, int to, int bytes, uint64_t packets = 1) {
        one_way(from, to, packets * beats_of(60 + bytes));
        one_way(to, from, packets * beats_of(60));
    }
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
    void one_way(int from, int to, uint64_t beats) {
        out_[from] += beats;
        in_[to] += beats;
        for (int port : network_.inner_ports(from, to)) inner_[port] += beats;
    }
    const Network &network_;
    std::vector<uint64_t> in_, out_;
    std::map<int, uint64_t> inner_;
};

}  // namespace ttp::fabric
