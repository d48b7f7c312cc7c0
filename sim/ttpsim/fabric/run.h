// A run: windows of clocks in which each process goes on by itself, and what it tells the others
// after each. What comes out does not depend on how many processes there are, nor on who has what.
#pragma once

#include "checkpoint.h"
#include "cost.h"
#include "load.h"
#include "part.h"
#include "progress.h"
#include "recorder.h"

namespace ttp::fabric {

// What a node has counted, at the end.
struct NodeFigures {
    int32_t node = 0;
    bool engine = false, half_packet = false;
    uint64_t round_trip = 0, port_beats = 0;
    int64_t rise = -1;
    Watch watch;
};

class Run {
public:
    enum End : int32_t { GOES_ON = -1, PASSED = 0, FAILED = 1, BAD = 2, INTERRUPTED = 130 };

    Run(const Settings &settings, Exchange &exchange)
        : s_(settings), exchange_(exchange), topology_(s_), traffic_(s_),
          partition_(s_, topology_, exchange.size()),
          part_(s_, topology_, traffic_, partition_, exchange.rank(), exchange.size()) {
        part_.reset();
        if (!exchange_.rank()) record();
        if (!s_.resume.empty()) resume();
    }

    // Until all that was sent has arrived, once and unaltered, and nothing is left anywhere; or
    // for as many clocks as are wanted. `progress` is called by process 0 now and then.
    template <typename Told>
    End go(Told progress) {
        End end = GOES_ON;
        while (end == GOES_ON) {
            end = window();
            if (recorder_) progress(*this);
        }
        gather_figures();
        if (recorder_ && end == PASSED) end = last_checks();
        exchange_.tell(&end, sizeof end);
        return end;
    }
    // `share` at its begin, not 0 after a checkpoint.
    double began() const { return began_; }
    uint64_t began_clock() const { return began_clock_; }

    void write(Json &json) {
        auto number = [&](const char *name, auto value) { json.put(name, value); };
        number("seed", s_.seed);
        number("congestion", HAS_CONGESTION && s_.congestion);
        recorder_->write(json, clock);
        number("switch_frames", switches_.frames);
        number("dropped_full", switches_.dropped_full);
        number("lost", switches_.lost);
        number("peak_bytes", switches_.peak);
        number("defects", switches_.defects);
        // Of the port to host 0, until the last packet was there.
        const uint64_t until = s_.clocks ? clock : recorder_->completed();
        number("port0_busy", double(figures_[0].port_beats) / std::max<uint64_t>(1, until));
        recorder_->write_waits(json);
        recorder_->write_measures(json, half_, switches_);
        Watch watch;
        for (const NodeFigures &one : figures_) watch.add(one.watch);
        if (figures_[1].rise >= 0) number("full_rate_after", figures_[1].rise);
        json.counts("stats", watch.stats, LINK_STAT_NAMES, LINK_STAT_COUNT);
        number("round_trip", figures_[1].round_trip);
        number("queue_full", watch.queue_full);
        number("no_room", watch.no_room);
        number("cpu_seconds", all_cost_.all);
        // Of all processes, and how engine-clocks were evaluated.
        json.begin("cost").put("processes", exchange_.size()).put("work", all_cost_.work);
        json.put("busiest", all_cost_.busiest).put("switches", all_cost_.switches);
        json.put("between", all_cost_.between).put("state_bytes", all_cost_.state_bytes);
        json.put("memory_bytes", all_cost_.memory_bytes).put("skipped", clocks_.skipped);
        json.put("in_lanes", clocks_.in_lanes).end();
        json.put("failure", failure);
    }
    // What each node and each flow has done; false if it cannot be written.
    bool write_results() {
        if (s_.results.empty()) return true;
        Json json;
        json.put("seed", s_.seed).put("traffic", s_.traffic).put("clocks", clock);
        recorder_->results().write(json, [&](int node) {
            return figures_[node].engine ? &figures_[node].watch : nullptr;
        });
        if (recorder_->played()) recorder_->played()->write(json);
        json.put("failure", failure);
        return json.write(s_.results);
    }

    std::string failure;                // with its clock; of process 0
    uint64_t clock = 0;
    // "12 of 60", or "12" without an end.
    std::string there() const {
        const std::string packets = std::to_string(recorder_->arrived());
        return s_.clocks ? packets : packets + " of " + std::to_string(recorder_->planned());
    }
    // How much of it is done, 0 to 1.
    double share() const {
        return s_.clocks ? double(clock) / s_.clocks
                         : double(recorder_->arrived())
                               / std::max<uint64_t>(1, recorder_->planned());
    }

private:
    using Clock = std::chrono::steady_clock;
    struct Told { uint64_t completed = 0; End end = GOES_ON; bool save = false; };

    void record() {
        recorder_ = std::make_unique<Recorder>(
            s_, traffic_, topology_.idle_round_trip(LONGEST_FRAME - 60));
        if (s_.clocks) return;
        const Load load(s_, traffic_, topology_);
        recorder_->expect(load.packets, load.hosts(), load.all());
    }

    // What is kept of all of it, between two windows.
    void state(Archive &a) {
        a.same(s_.program, "what is run");
        a.same(std::to_string(exchange_.rank()) + " of " + std::to_string(exchange_.size()),
               "the process");
        a & clock & part_ & cost_;
        if (recorder_) a & *recorder_;
    }
    void resume() {
        Archive a = Checkpoint(s_.resume, exchange_.rank()).read();
        state(a);
        if (recorder_) began_ = share();
        began_clock_ = clock;
    }
    // All processes write before one replaces its file of before. False: one could not.
    bool save() {
        Archive a;
        state(a);
        const Checkpoint checkpoint(s_.checkpoint, exchange_.rank());
        return all_good(exchange_, checkpoint.write(a)) && all_good(exchange_, checkpoint.replace());
    }

    End window() {
        uint64_t end = clock + s_.window();
        for (uint64_t last : {s_.clocks, s_.limit}) if (last) end = std::min(end, last);
        const double before = Progress::cpu_seconds();
        part_.run(clock, end);
        const double after = Progress::cpu_seconds();
        cost_.work += after - before;
        exchange_beats(end);
        Bytes mine;
        mine.put(bool(interrupted));
        mine.put(part_.idle(end));
        put_fault(mine);
        mine.put_all(part_.log);
        part_.log.clear();
        std::vector<Bytes> all = exchange_.gather(std::move(mine));
        Told told;
        if (recorder_) told = judge(all, end);
        exchange_.tell(&told, sizeof told);
        part_.told(told.completed);
        cost_.between += Progress::cpu_seconds() - after;
        clock = end;
        if (told.save && !save()) {
            failure = "clock " + std::to_string(clock) + ": cannot write --checkpoint "
                      + s_.checkpoint;
            return FAILED;
        }
        return told.end;
    }

    void exchange_beats(uint64_t end) {
        if (exchange_.size() == 1) return;
        std::vector<Bytes> bytes(exchange_.size());
        for (int other = 0; other < exchange_.size(); ++other) {
            if (part_.peers[other]) bytes[other].put_all(part_.travels[other]);
            part_.travels[other].clear();
        }
        exchange_.swap(part_.peers, bytes);
        std::vector<Travel> came;
        for (int other = 0; other < exchange_.size(); ++other)
            if (part_.peers[other]) bytes[other].take_all(came);
        part_.came(clock, end, came);
    }

    // Process 0: what all have said after the window that ends with this clock.
    Told judge(std::vector<Bytes> &all, uint64_t end) {
        std::vector<Record> records;
        Fault fault;
        bool stopped = false, idle = true;
        for (Bytes &bytes : all) {
            stopped |= bytes.take<bool>();
            idle &= bytes.take<bool>();
            fault.first(take_fault(bytes));
            bytes.take_all(records);
        }
        recorder_->window(records, clock, end);
        fault.first(recorder_->fault());
        if (!fault.there()) fault = waits_too_long(end);
        Told told{recorder_->completed(), GOES_ON};
        if (fault.there()) {
            failure = "clock " + std::to_string(fault.clock) + ": " + fault.text;
            told.end = FAILED;
        } else if (stopped) {
            told.end = INTERRUPTED;
        } else if (s_.clocks ? end >= s_.clocks : idle && recorder_->all_there()) {
            if (s_.clocks) recorder_->cut_off(end);
            told.end = PASSED;
        } else if (s_.limit && end >= s_.limit) {
            failure = "clock " + std::to_string(end) + ": not done after " + std::to_string(end)
                      + " clocks: " + there() + " packets are there";
            told.end = FAILED;
        }
        const bool due = Clock::now() - saved_ >= std::chrono::seconds(s_.checkpoint_seconds) && told.end == GOES_ON;
        told.save = !s_.checkpoint.empty() && (due || told.end == INTERRUPTED);
        if (told.save) saved_ = Clock::now();
        return told;
    }
    Fault waits_too_long(uint64_t end) const {
        uint64_t since = recorder_->since();        // of a workload, nothing may be sent before
        if (s_.host.workload) since = std::max(since, std::min(end, s_.host.workload->last_start()));
        if (end - since <= patience()) return {};
        return {end, Fault::ALL, 0,
                "nothing has arrived for " + std::to_string(patience()) + " clocks: " + there()
                    + " packets are there"};
    }
    // Dozens of rounds of the link timer, or all buffers on the way sent twice.
    uint64_t patience() const {
        uint64_t turn = 0;
        for (const Kind &kind : KINDS)
            turn = std::max<uint64_t>(turn, uint64_t(s_.tick ? s_.tick : kind.tick) * kind.links);
        return 64 * turn + 2 * s_.network.buffer / WB + s_.host.stop_period;
    }

    void put_fault(Bytes &bytes) {
        Fault first;
        for (const Fault &one : part_.faults) first.first(one);
        bytes.put(first.clock);
        bytes.put(first.place);
        bytes.put(first.index);
        bytes.put_all(std::vector<char>(first.text.begin(), first.text.end()));
    }
    static Fault take_fault(Bytes &bytes) {
        Fault fault;
        fault.clock = bytes.take<uint64_t>();
        fault.place = bytes.take<Fault::Place>();
        fault.index = bytes.take<int32_t>();
        std::vector<char> text;
        bytes.take_all(text);
        fault.text.assign(text.begin(), text.end());
        return fault;
    }

    // At the end: what nodes and switches have counted, to process 0.
    void gather_figures() {
        Bytes mine;
        cost_.switches = part_.in_switches;
        cost_.state_bytes = part_.state_bytes();
        mine.put(cost_.now());
        mine.put(part_.clocks());
        mine.put(part_.counts());
        mine.put(part_.half);
        std::vector<NodeFigures> nodes;
        for (const Node &node : part_.nodes()) {
            nodes.push_back({node.self, !s_.is_module(node.self), !node.host.between_packets(),
                             node.round_trip.clocks, node.port_beats, node.rise.after(),
                             node.watch});
        }
        mine.put_all(nodes);
        std::vector<NodeFigures> all;
        for (Bytes &bytes : exchange_.gather(std::move(mine))) {
            all_cost_.add(bytes.take<Cost>());
            clocks_.add(bytes.take<EngineClocks>());
            switches_.add(bytes.take<SwitchCounts>());
            half_.add(bytes.take<SwitchCounts>());
            bytes.take_all(all);
        }
        figures_.resize(all.size());
        for (const NodeFigures &one : all) figures_[one.node] = one;
    }
    End last_checks() {
        for (const NodeFigures &one : figures_)
            if (!s_.clocks && one.half_packet) {
                failure = "clock " + std::to_string(clock) + ": host " + std::to_string(one.node)
                          + " has half a packet";
                return FAILED;
            }
        return PASSED;
    }

    const Settings &s_;
    Exchange &exchange_;
    Topology topology_;
    Traffic traffic_;
    Partition partition_;
    Part part_;
    std::unique_ptr<Recorder> recorder_;        // of process 0
    std::vector<NodeFigures> figures_;          // the rest: too, when all is over
    SwitchCounts switches_, half_;
    Cost cost_, all_cost_;                      // of this process, of all
    EngineClocks clocks_;
    double began_ = 0;
    uint64_t began_clock_ = 0;
    Clock::time_point saved_ = Clock::now();    // the last checkpoint
};

}  // namespace ttp::fabric
