// Who sends to whom: a round of each host's packets, again and again.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "settings.h"

namespace ttp::fabric {

class Traffic {
public:
    explicit Traffic(const Settings &settings)
        : s_(settings), random_(mix(s_.seed ^ 0xFAB)), others_(s_.nodes), partner_(s_.nodes) {
        std::iota(others_.begin(), others_.end(), 0);
        std::iota(partner_.begin(), partner_.end(), 0);
        if (s_.traffic == "permutation") permute();
    }

    bool many_to_one() const { return s_.traffic == "incast" || s_.traffic == "reverse"; }
    // Who is judged: in an incast, with or without reverse traffic, all but host 0.
    bool is_sender(int node) const { return node || !many_to_one(); }

    // Destinations of the next packets of a host, in its order: one packet to each.
    std::vector<int> round(int self) {
        if (s_.traffic == "incast") return self ? std::vector<int>{0} : std::vector<int>{};
        if (s_.traffic == "permutation") return {partner_[self]};
        if (s_.traffic == "reverse" && self) return {0};
        if (s_.traffic == "all_to_all")         // each host has an order of its own, in each round
            for (size_t at = others_.size(); at > 1; --at)
                std::swap(others_[at - 1], others_[random_.below(at)]);
        std::vector<int> all;
        for (int to : others_) if (to != self) all.push_back(to);
        return all;
    }
    // The only destination of a host, host 0 if it has several.
    int partner(int self) const { return s_.traffic == "permutation" ? partner_[self] : 0; }

private:
    int leaf(int node) const { return s_.leaf_hosts ? node / s_.leaf_hosts : node; }

    // Everybody sends to one host of another leaf, and has packets of one: a shuffle, then swaps
    // that put one right and none wrong. No leaf has more than half of the hosts (run.py).
    void permute() {
        for (size_t at = partner_.size(); at > 1; --at)
            std::swap(partner_[at - 1], partner_[random_.below(at)]);
        auto bad = [&](int node) { return leaf(partner_[node]) == leaf(node); };
        for (int node = 0; node < s_.nodes; ++node)
            while (bad(node)) {
                const int with = random_.below(s_.nodes);
                const bool was_bad = bad(with);
                std::swap(partner_[node], partner_[with]);
                if (bad(node) || (bad(with) && !was_bad))
                    std::swap(partner_[node], partner_[with]);
            }
    }

    Settings s_;
    Random random_;
    std::vector<int> others_, partner_;
};

}  // namespace ttp::fabric
