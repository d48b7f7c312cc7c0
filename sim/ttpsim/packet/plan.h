// What the hosts still have to send: runs of packets to one destination, made when they are needed.
#pragma once

#include <deque>

#include "options_of_run.h"
#include "traffic.h"

namespace ttp::packet {

// `ring`: every host sends `count` packets to the next one for each step, those of the first step
// at once, those of another when all of the step before have come from the host behind it.
class Plan {
public:
    struct Run { int to; uint32_t packets; };

    Plan(const Settings &settings, fabric::Traffic &traffic)
        : s_(settings), traffic_(traffic), runs_(3 * s_.nodes) {
        if (ring()) {
            steps_.assign(s_.nodes, 1);
            arrived_.resize(s_.nodes);
            for (int node = 0; node < s_.nodes; ++node) step(node);
            planned_ = uint64_t(s_.nodes) * steps() * s_.count;
        } else if (!s_.clocks) {
            for (int node = 0; node < s_.nodes; ++node) all_rounds(node);
        }
    }

    bool ring() const { return s_.traffic == "ring"; }
    uint64_t steps() const { return s_.steps ? s_.steps : 2 * (s_.nodes - 1); }
    uint64_t planned() const { return planned_; }

    // Without an end: whoever has nothing left gets a round more.
    bool refill(int node, uint64_t clock) {
        if (!s_.clocks || ring() || !s_.active(node, clock)) return false;
        for (int to : traffic_.round(node)) add(node, fabric::DATA, to, 1);
        return !runs(node, fabric::DATA).empty();
    }
    bool take(int node, int vc, int &to) {
        auto &queue = runs(node, vc);
        if (queue.empty()) return false;
        to = queue.front().to;
        if (!--queue.front().packets) queue.pop_front();
        return true;
    }
    void ping(int node) { add(node, fabric::REQ_HI, 0, 1); }

    // A packet has come; whether its host has something more to send now.
    bool arrived(int node) {
        if (!ring() || ++arrived_[node] % s_.count || steps_[node] == steps()) return false;
        ++steps_[node];
        step(node);
        return true;
    }
    // Calls `add(from, to, packets)` for all that is planned.
    template <typename Add>
    void each(Add add) const {
        if (ring())
            for (int node = 0; node < s_.nodes; ++node)
                add(node, (node + 1) % s_.nodes, steps() * s_.count);
        else
            for (int node = 0; node < s_.nodes; ++node)
                for (const Run &run : runs_[3 * node + fabric::DATA])
                    add(node, run.to, run.packets);
    }

private:
    std::deque<Run> &runs(int node, int vc) { return runs_[3 * node + vc]; }
    void add(int node, int vc, int to, uint32_t packets) {
        auto &queue = runs(node, vc);
        if (vc == fabric::DATA) planned_ += packets;
        if (!queue.empty() && queue.back().to == to) queue.back().packets += packets;
        else queue.push_back({to, packets});
    }
    void all_rounds(int node) {
        for (int n = 0; n < s_.count; ++n)
            for (int to : traffic_.round(node)) add(node, fabric::DATA, to, 1);
    }
    void step(int node) {
        const uint64_t planned = planned_;
        add(node, fabric::DATA, (node + 1) % s_.nodes, s_.count);
        planned_ = planned;
    }

    const Settings &s_;
    fabric::Traffic &traffic_;
    std::vector<std::deque<Run>> runs_;
    std::vector<uint64_t> steps_, arrived_;
    uint64_t planned_ = 0;
};

}  // namespace ttp::packet
