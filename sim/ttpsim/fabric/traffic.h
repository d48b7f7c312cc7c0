// Who sends to whom: a round of each host's packets, again and again.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "settings.h"

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

}  // namespace ttp::fabric
