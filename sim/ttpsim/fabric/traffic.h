// Who sends to whom: a round of each host's packets, again and again.
#pragma once

#include <numeric>

#include "topology.h"

namespace ttp::fabric {

class Traffic {
public:
    explicit Traffic(const Settings &settings) : s_(settings), partner_(s_.nodes) {
        std::iota(partner_.begin(), partner_.end(), 0);
        if (s_.traffic == "permutation") permute();
    }

    bool many_to_one() const { return s_.traffic == "incast" || s_.traffic == "reverse"; }
    // Who is judged: in an incast, with or without reverse traffic, all but host 0.
    bool is_sender(int node) const { return node || !many_to_one(); }

    // To whom a host sends a packet in each of its rounds.
    std::vector<int> peers(int self) const {
        if (s_.traffic == "incast") return self ? std::vector<int>{0} : std::vector<int>{};
        if (s_.traffic == "permutation") return {partner_[self]};
        if (s_.traffic == "reverse" && self) return {0};
        const int size = s_.group(), first = self / size * size;
        if (s_.traffic == "ring") return {first + (self - first + 1) % size};
        std::vector<int> all;
        for (int to = first; to < first + size; ++to) if (to != self) all.push_back(to);
        return all;
    }
    // The same in the order of this round, which each host draws by itself.
    std::vector<int> round(int self, Random &random) const {
        std::vector<int> all = peers(self);
        if (s_.traffic == "all_to_all")
            for (size_t at = all.size(); at > 1; --at)
                std::swap(all[at - 1], all[random.below(at)]);
        return all;
    }
    // The only destination of a host, host 0 if it has several.
    int partner(int self) const {
        return s_.traffic == "permutation" || s_.traffic == "ring" ? peers(self)[0] : 0;
    }

private:
    int leaf(int node) const { return s_.leaf_hosts ? node / s_.leaf_hosts : node; }

    // Everybody sends to one host of another leaf, and has packets of one: a shuffle, then swaps
    // that put one right and none wrong. No leaf has more than half of the hosts (run.py).
    void permute() {
        Random random(mix(s_.seed ^ 0xFAB));
        for (size_t at = partner_.size(); at > 1; --at)
            std::swap(partner_[at - 1], partner_[random.below(at)]);
        auto bad = [&](int node) { return leaf(partner_[node]) == leaf(node); };
        for (int node = 0; node < s_.nodes; ++node)
            while (bad(node)) {
                const int with = random.below(s_.nodes);
                const bool was_bad = bad(with);
                std::swap(partner_[node], partner_[with]);
                if (bad(node) || (bad(with) && !was_bad))
                    std::swap(partner_[node], partner_[with]);
            }
    }

    const Settings &s_;
    std::vector<int> partner_;
};

// How long the network needs at least for what is planned, in clocks.
class Load {
public:
    Load(const Settings &settings, const Traffic &traffic, const Topology &topology)
        : topology_(topology), in_(settings.nodes), out_(settings.nodes) {
        if (settings.host.workload) {
            add(*settings.host.workload);
            return;
        }
        for (int from = 0; from < settings.nodes; ++from)
            for (int to : traffic.peers(from)) {
                uint64_t beats = 0;
                for (int n = 0; n < settings.count; ++n)
                    beats += beats_of(60 + length_of(settings.host, from, to, DATA, n));
                one_way(from, to, beats);                       // packets, and their ACKs
                one_way(to, from, uint64_t(settings.count) * beats_of(60));
                packets += settings.count;
            }
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
            one_way(m.from, m.to, beats_of(60 + workload.length(m, last))
                                  + uint64_t(last) * beats_of(60 + workload.length(m, 0)));
            one_way(m.to, m.from, uint64_t(m.packets) * beats_of(60));
            packets += m.packets;
        }
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
