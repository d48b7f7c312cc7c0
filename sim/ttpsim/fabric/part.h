// What one process has of a run: some of the nodes and switches, and the cables at them.
#pragma once

#include <array>

#include "engines.h"
#include "exchange.h"
#include "module.h"
#include "partition.h"
#include "progress.h"

namespace ttp::fabric {

class Part {
public:
    Part(const Settings &settings, const Topology &topology, const Traffic &traffic,
         const Partition &partition, int rank, int processes)
        : travels(processes), peers(processes), s_(settings), cables_(topology.lines.size()) {
        for (int node = 0; node < s_.nodes; ++node)
            if (partition.node[node] == rank) add_node(node, traffic, topology);
        switches_.resize(topology.boxes.size());
        for (size_t box = 0; box < switches_.size(); ++box)
            if (const auto &b = topology.boxes[box]; partition.box[box] == rank)
                switches_[box] = std::make_unique<Switch>(b.ports, b.hosts, s_.network,
                                                          s_.seed + box, b.by_source, b.route);
        for (size_t line = 0; line < cables_.size(); ++line)
            lay(line, topology.lines[line], partition, rank);
    }

    void reset() { for (auto &one : engines_) if (one) one->reset(); }

    // Clocks `from` to `to` - 1 of all that is here; no more than a cable's delay.
    void run(uint64_t from, uint64_t to) {
        for (auto &one : engines_) if (one) one->run(from, to);
        for (auto &[node, module] : modules_) run_module(*node, module, from, to);
        const double before = Progress::cpu_seconds();
        for (size_t box = 0; box < switches_.size(); ++box)
            if (switches_[box]) run_switch(box, from, to);
        in_switches += Progress::cpu_seconds() - before;
    }
    // What the others have sent here in these clocks.
    void came(uint64_t from, uint64_t to, const std::vector<Travel> &beats) {
        for (int line : from_others_) cables_[line]->blank(from, to);
        for (const Travel &t : beats) cables_[t.cable]->came(t);
    }
    void told(uint64_t completed) { for (Node &node : nodes_) node.told(completed); }

    // Whether nothing is under way or left to be sent at the begin of this clock.
    bool idle(uint64_t clock) const {
        for (const Node &node : nodes_) if (!node.sent_all()) return false;
        for (auto &one : engines_) if (one && !one->idle()) return false;
        for (auto &[node, module] : modules_) if (!module.idle()) return false;
        for (auto &one : switches_) if (one && !one->idle()) return false;
        for (auto &cable : cables_) if (cable && !cable->idle(clock)) return false;
        return true;
    }
    void state(Archive &a) {
        a & half & in_switches;
        for (Node &node : nodes_) a & node;
        for (auto &one : engines_) if (one) one->state(a);
        for (auto &[node, module] : modules_) a & module;
        for (auto &one : switches_) if (one) a & *one;
        for (auto &cable : cables_) if (cable) a & *cable;
    }
    EngineClocks clocks() const {
        EngineClocks all;
        for (auto &one : engines_) if (one) all.add(one->clocks());
        return all;
    }
    uint64_t state_bytes() const {
        uint64_t all = 0;
        for (auto &one : engines_) if (one) all += one->state_bytes();
        return all;
    }
    SwitchCounts counts() const {
        SwitchCounts all;
        for (auto &one : switches_) if (one) for (const SwitchCounts &c : one->counts) all.add(c);
        return all;
    }
    const std::deque<Node> &nodes() const { return nodes_; }

    std::vector<Record> log;
    std::vector<Fault> faults;
    std::vector<std::vector<Travel>> travels;   // by process: what goes there
    std::vector<bool> peers;                    // processes that a cable goes to
    SwitchCounts half;                          // of the switches, by the middle of the run
    double in_switches = 0;                     // seconds of processor time

private:
    void add_node(int number, const Traffic &traffic, const Topology &topology) {
        nodes_.emplace_back(number, s_, traffic, topology.idle_round_trip(LONGEST_FRAME - 60),
                            log, faults);
        Node &node = nodes_.back();
        by_number_[number] = &node;
        if (s_.is_module(number)) {
            modules_.emplace_back(&node, Module(node.host, node.begins, s_.module_timer));
            return;
        }
        auto &engines = engines_[s_.kind(number)];
        if (!engines) engines = KINDS[s_.kind(number)].make(s_);
        engines->add(node);
    }

    // A direction of a cable. What a switch sends in a clock is on its cable in the next one, and a
    // host hears in the next clock what a cable brings.
    void lay(int line, const Topology::Line &l, const Partition &partition, int rank) {
        auto owner = [&](const Topology::End &end) {
            return end.host >= 0 ? partition.node[end.host] : partition.box[end.box];
        };
        const int source = owner(l.from), sink = owner(l.to);
        if (source != rank && sink != rank) return;
        const int delay = s_.delay + (l.from.box >= 0) + (l.to.host >= 0);
        cables_[line] = std::make_unique<Cable>(delay, s_.window());
        Cable *cable = cables_[line].get();
        if (source == rank) {
            if (l.from.host >= 0) by_number_[l.from.host]->out = cable;
            else switches_[l.from.box]->out[l.from.port] = cable;
        }
        if (sink == rank) {
            if (l.to.host >= 0) by_number_[l.to.host]->in = cable;
            else switches_[l.to.box]->in[l.to.port] = cable;
        }
        if (source == sink) return;
        peers[source == rank ? sink : source] = true;
        if (source == rank) cable->send_away(travels[sink], line);
        else from_others_.push_back(line);
    }

    static void run_module(Node &node, Module &module, uint64_t from, uint64_t to) {
        for (uint64_t clock = from; clock < to; ++clock) {
            Beat goes;
            if (!node.dead) try {
                node.begin(clock);
                goes = module.clock(node.in->at(clock), clock);
                node.end(clock, node.in->at(clock), goes);
            } catch (const Failure &error) {
                node.fails(clock, error);
            }
            node.out->put(clock, goes);
        }
    }

    void run_switch(int box, uint64_t from, uint64_t to) {
        Switch &one = *switches_[box];
        const bool queue = !box && !s_.samples.empty();
        uint64_t clock = from;
        try {
            for (; clock < to; ++clock) {
                if (queue && clock % SAMPLE_CLOCKS == 0)
                    log.push_back({clock, 0, 0, What::QUEUE, 0, 0, 0, uint64_t(one.held(0))});
                if (s_.clocks && clock == s_.clocks / 2)
                    for (const SwitchCounts &c : one.counts) half.add(c);
                one.clock(clock);
            }
        } catch (const Failure &error) {
            faults.push_back({clock, Fault::SWITCH, box, error.text});
        }
    }

    const Settings &s_;
    std::deque<Node> nodes_;
    std::map<int, Node *> by_number_;
    std::array<std::unique_ptr<Engines>, std::size(KINDS)> engines_;
    std::deque<std::pair<Node *, Module>> modules_;
    std::vector<std::unique_ptr<Switch>> switches_;     // by number; null: elsewhere
    std::vector<std::unique_ptr<Cable>> cables_;        // the same
    std::vector<int> from_others_;
};

}  // namespace ttp::fabric
