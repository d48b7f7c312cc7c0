// What process 0 makes of the records of all nodes: it sees each packet sent and delivered, in one
// order that does not depend on where nodes are, and measures what concerns more than one of them.
#pragma once

#include "order.h"
#include "results.h"
#include "samples.h"
#include "workload.h"

namespace ttp::fabric {

class Recorder {
public:
    Recorder(const Settings &settings, const Traffic &traffic, int round_trip)
        : s_(settings), traffic_(traffic), half_(settings, traffic), samples_(settings, traffic),
          order_(settings.order), sharing_(settings, round_trip), results_(settings.nodes), delivered_(settings.nodes) {
        if (s_.host.workload) played_ = std::make_unique<Played>(*s_.host.workload);
    }

    // With an end: so many packets of DATA, which the ports of hosts, or all ports, need at least
    // so many clocks for.
    void expect(uint64_t packets, uint64_t ideal, uint64_t network_ideal) {
        planned_ = data_ = packets;
        ideal_ = ideal;
        network_ideal_ = network_ideal;
    }

    // All that has happened in clocks `from` to `to` - 1.
    void window(std::vector<Record> &records, uint64_t from, uint64_t to) {
        put_in_order(records);
        const bool pinging = !completed_;           // nodes hear of the end after a window
        auto next = records.begin();
        for (uint64_t clock = from; clock < to; ++clock) {
            if (pinging) ping(clock);
            for (; next != records.end() && next->clock == clock; ++next) take(*next);
            sharing_.clock(clock);
            samples_.clock(clock);
        }
    }
    // The end of a run without an end.
    void cut_off(uint64_t clock) {
        goodput_ = half_.goodput();
        fairness_ = fairness();
        for (auto &[from, sent] : pinged_)      // as old as they are by now: they get older
            for (uint64_t since : sent) waited(since, clock, true);
    }

    bool all_there() const { return arrived_ == planned_ && completed_; }
    uint64_t arrived() const { return arrived_; }
    uint64_t planned() const { return planned_; }
    uint64_t completed() const { return completed_; }   // clock after the last packet; 0: not yet
    uint64_t since() const { return since_; }           // clock of the youngest packet
    const Fault &fault() const { return fault_; }
    Results &results() { return results_; }
    const Played *played() const { return played_.get(); }      // null without a workload

    void state(Archive &a) {
        a & half_ & samples_ & sharing_ & results_ & waits_ & sent_ & pinged_ & delivered_ & since_
            & completed_ & bytes_ & hash_ & arrived_ & planned_ & data_arrived_ & fairness_
            & goodput_;
        if (played_) a & *played_;
    }

    void write(Json &json, uint64_t clock) const {
        json.put("clocks", clock).put("packets", arrived_).put("payload_bytes", bytes_);
        json.put("deliveries", hash_);          // of every packet with its clock, in order
        json.put("completed", completed_);      // clock in which the last DATA packet was there
        json.put("ideal", ideal_).put("network_ideal", network_ideal_).put("goodput", goodput_);
        if (completed_) json.put("network_goodput", double(network_ideal_) / completed_);
        json.put("fairness", fairness_);
    }
    void write_waits(Json &json) { waits_.write(json); }
    void write_measures(Json &json, const SwitchCounts &before, const SwitchCounts &now) {
        if (s_.clocks) half_.write(json, before, now);
        sharing_.write(json);
    }

private:
    // One of the nodes after the other has something urgent, as long as there is DATA.
    void ping(uint64_t clock) {
        if (!s_.ping_every || clock % s_.ping_every) return;
        pinged_[1 + (clock / s_.ping_every) % s_.pingers()].push_back(clock);
        ++planned_;
    }
    void waited(uint64_t since, uint64_t until, bool unfinished) {
        waits_.clocks.push_back(until - since);
        waits_.unfinished += unfinished;
        half_.ping(since, until - since, unfinished);
    }

    void take(const Record &r) {
        switch (r.what) {
        case What::SENT:
            if (played_ && r.vc == DATA) played_->sent(r, sent_[{r.node, r.peer, r.vc}]);
            ++sent_[{r.node, r.peer, r.vc}];
            if (!s_.results.empty()) results_.sent(r);
            break;
        case What::DELIVERED: delivered(r); break;
        case What::LAW: samples_.law(r.node, r.number, r.bytes); break;
        case What::QUEUE: samples_.queue(int64_t(r.since)); break;
        }
    }

    void delivered(const Record &r) {
        since_ = r.clock;
        ++arrived_;
        bytes_ += r.bytes;
        for (uint64_t value : {r.clock, uint64_t(r.node) << 32 | uint32_t(r.peer),
                               uint64_t(r.vc) << 32 | r.number, uint64_t(r.bytes)})
            hash_ = mix(hash_ ^ value);
        if (r.number >= sent_[{r.peer, r.node, r.vc}]) {
            fault_.first({r.clock, Fault::ALL, r.node,
                          "host " + std::to_string(r.node) + " has packet "
                          + std::to_string(r.number) + " of host " + std::to_string(r.peer)
                          + " before that was sent"});
            return;
        }
        if (!s_.results.empty()) results_.delivered(r);
        order_.packet(r.clock, r.node, r.peer, r.vc, r.number);
        if (r.vc == REQ_HI) {
            waited(pinged_[r.peer].front(), r.clock + 1, false);
            pinged_[r.peer].pop_front();
            return;
        }
        delivered_[r.peer] += r.bytes;
        if (played_) played_->delivered(r);
        ++data_arrived_;
        if (data_arrived_ == (data_ + 1) / 2) fairness_ = fairness();
        half_.data(r.peer, r.node, r.bytes, r.clock);
        sharing_.data(r.peer, r.bytes);
        samples_.data(r.peer, r.bytes);
        if (data_arrived_ == data_ && !s_.clocks) {
            completed_ = r.clock + 1;
            goodput_ = double(ideal_) / completed_;
        }
    }

    // Jain's index of what each sender has brought through by now.
    double fairness() const {
        std::vector<double> shares;
        for (int node = 0; node < s_.nodes; ++node)
            if (traffic_.is_sender(node)) shares.push_back(double(delivered_[node]));
        return jain(shares);
    }

    const Settings &s_;
    const Traffic &traffic_;
    Half half_;
    Samples samples_;
    Order order_;
    Sharing sharing_;
    Results results_;
    std::unique_ptr<Played> played_;
    Waits waits_;
    std::map<std::tuple<int, int, int>, uint32_t> sent_;      // packets, by flow
    std::map<int, std::deque<uint64_t>> pinged_;
    std::vector<uint64_t> delivered_;           // bytes of DATA, by sender
    uint64_t since_ = 0, ideal_ = 0, network_ideal_ = 0, completed_ = 0, bytes_ = 0, hash_ = 0,
             arrived_ = 0, planned_ = 0, data_ = 0, data_arrived_ = 0;
    double fairness_ = 0, goodput_ = 0;
    Fault fault_;
};

}  // namespace ttp::fabric
