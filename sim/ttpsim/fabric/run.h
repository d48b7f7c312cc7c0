// N engines, their hosts and the network between them; the traffic, and what is measured.
#pragma once

#include "edge.h"
#include "host.h"
#include "load.h"
#include "measure.h"
#include "module.h"
#include "network.h"
#include "order.h"
#include "samples.h"
#include "watch.h"

namespace ttp::fabric {

class Fabric {
public:
    explicit Fabric(const Settings &settings)
        : s_(settings), network_(s_.nodes, s_.leaf_hosts, s_.spines, s_.delay, s_.network, s_.seed),
          port_(s_.nodes), traffic_(s_), half_(s_, traffic_), samples_(s_, traffic_),
          order_(s_.order),
          sharing_(s_, round_trip()), rise_(s_, round_trip()) {
        for (int node = 0; node < s_.nodes; ++node) {
            hosts_.emplace_back(node, s_.nodes, s_.host);
            engines_.emplace_back();
            if (s_.is_module(node)) add_module(node);
            else add_engine(node);
            network_.join(port_[node], *network_.hosts[node]);
        }
        if (!s_.clocks) make_plan();
    }

    // True if all that was sent has arrived, once and unaltered, and nothing is left anywhere.
    template <typename Told>
    bool run(Told progress) {
        try {
            reset();
            while (s_.clocks ? clock < s_.clocks : !done()) {
                if (s_.clocks) refill();
                ping();
                step();
                if (clock % 1024 == 0) progress(*this);
                if (clock - since_ > patience())
                    throw Failure{"nothing has arrived for " + std::to_string(patience())
                                  + " clocks: " + std::to_string(arrived_) + " of "
                                  + std::to_string(planned_) + " packets are there"};
                if (s_.limit && clock >= s_.limit)
                    throw Failure{"not done after " + std::to_string(clock) + " clocks: "
                                  + std::to_string(arrived_) + " of " + std::to_string(planned_)
                                  + " packets are there"};
            }
            if (s_.clocks) return cut_off(), true;
            for (Host &host : hosts_)
                if (!host.between_packets())
                    throw Failure{"host " + std::to_string(host.self) + " has half a packet"};
        } catch (const Failure &error) {
            failure = "clock " + std::to_string(clock) + ": " + error.text;
        }
        return failure.empty();
    }

    void write(Json &json) {
        auto number = [&](const char *name, auto value) { json.put(name, value); };
#ifdef TTP_HAS_CONGESTION
        number("congestion", s_.congestion);
#else
        number("congestion", 0);                // the engine has none
#endif
        number("clocks", clock);
        number("packets", arrived_);
        number("payload_bytes", bytes_);
        number("completed", completed_);        // clock in which the last DATA packet was there
        number("ideal", ideal_);
        number("network_ideal", network_ideal_);
        number("goodput", goodput_);
        if (completed_) number("network_goodput", double(network_ideal_) / completed_);
        number("fairness", fairness_);
        SwitchCounts all = network_.sum();
        number("switch_frames", all.frames);
        number("dropped_full", all.dropped_full);
        number("lost", all.lost);
        number("peak_bytes", all.peak);
        number("defects", all.defects);
        // Of the port to host 0, until the last packet was there.
        number("port0_busy", double(port0_beats_) / std::max<uint64_t>(1, s_.clocks ? clock
                                                                                     : completed_));
        waits_.write(json);
        if (s_.clocks) half_.write(json, all);
        sharing_.write(json);
        rise_.write(json);
        json.counts("stats", watch_.stats, LINK_STAT_NAMES, LINK_STAT_COUNT);
        number("round_trip", round_trip_.clocks);
        number("queue_full", watch_.queue_full);
        number("no_room", watch_.no_room);
    }

    std::string failure;
    uint64_t clock = 0;
    uint32_t arrived() const { return arrived_; }
    uint32_t planned() const { return planned_; }
    // How much of it is done, 0 to 1.
    double share() const {
        return s_.clocks ? double(clock) / s_.clocks : double(arrived_) / std::max(1u, planned_);
    }

private:
    int round_trip() const {            // of the longest PAYLOAD, if nothing is in its way
        return network_.idle_round_trip(LONGEST_FRAME - 60, s_.network.cut_through);
    }

    void add_module(int node) {
        modules_.emplace_back(hosts_[node], s_.begins(node), s_.module_timer);
    }
    void add_engine(int node) {
        engines_.back() = std::make_unique<Engine>(
            0, s_.seed * 4096 + node, uint32_t(mix(s_.seed * 4096 + node)));
        Vengine *top = engines_.back()->top.get();
        top->cfg_node = NODE_BASE + node;
        top->cfg_ieee = 1;
        top->cfg_link_slots = s_.is_old(node) ? s_.old_slots : s_.link_slots;
        if (s_.tick) top->cfg_timer_tick = s_.tick;
        top->cfg_selective = s_.selective;
#ifdef TTP_HAS_CONGESTION
        top->cfg_congestion = s_.congestion && !s_.is_old(node);
#endif
        top->m_mac_tx_tready = 1;
        for (int vc = 0; vc < VCS; ++vc) engines_.back()->host_in(vc, Beat{}, 0);
    }

    // ---- traffic -----------------------------------------------------------------------------

    void make_plan() {
        Load load(network_, s_.nodes);
        for (Host &host : hosts_) {
            std::vector<uint32_t> numbers(s_.nodes);
            for (int n = 0; n < s_.count; ++n) plan(host);
            for (int to : host.plan[DATA])
                load.add(host.self, to, length_of(s_.host, host.self, to, DATA, numbers[to]++));
        }
        ideal_ = load.hosts();
        network_ideal_ = load.all();
        data_ = planned_;
    }

    // A round of packets more.
    void plan(Host &host) {
        for (int to : traffic_.round(host.self)) {
            host.plan[DATA].push_back(to);
            ++planned_;
        }
    }

    // Without an end: whoever has nothing left gets more.
    void refill() {
        for (Host &host : hosts_)
            if (host.plan[DATA].empty() && s_.active(host.self, clock)) plan(host);
        if (clock == s_.clocks / 2) half_.begin(network_.sum());
    }

    // The end of a run without an end. Its first half is for getting into step.
    void cut_off() {
        goodput_ = half_.goodput();
        fairness_ = fairness();
        for (auto &[from, sent] : pinged_)      // as old as they are by now: they get older
            for (uint64_t since : sent) waited(since, clock, true);
    }
    void waited(uint64_t since, uint64_t until, bool unfinished) {
        waits_.clocks.push_back(until - since);
        waits_.unfinished += unfinished;
        half_.ping(since, until - since, unfinished);
    }

    // As long as there is DATA: one of the engines after the other has something urgent.
    void ping() {
        if (!s_.ping_every || completed_ || clock % s_.ping_every) return;
        int from = 1 + (clock / s_.ping_every) % (s_.nodes - s_.modules - 1);
        hosts_[from].plan[REQ_HI].push_back(0);
        pinged_[from].push_back(clock);
        ++planned_;
    }

    // ---- one clock ---------------------------------------------------------------------------

    void reset() {
        for (auto &e : engines_) {
            if (!e) continue;
            for (int n = 0; n < 4; ++n) { e->top->rst = 1; e->low(); e->high(); }
            e->top->rst = 0;
            for (int n = 0; !e->top->ready; ++n) {
                if (n > 100'000) throw Failure{"an engine does not become ready"};
                e->low();
                e->high();
            }
        }
    }

    void step() {
        for (int node = 0; node < s_.nodes - s_.modules; ++node) {
            Engine &e = *engines_[node];
            e.rx(port_[node].in);
            hosts_[node].before(e, clock, s_.begins(node));
            e.low();
            port_[node].out = e.tx();
            watch_.look(node, e);
            if (samples_.wanted()) law(node, e);
            hosts_[node].after(e, [&](int from, int vc, uint32_t number, int bytes) {
                packet(node, from, vc, number, bytes);
            });
        }
        clock_edge(engines_, s_.batch);
        for (int n = 0; n < s_.modules; ++n)
            modules_[n].clock(port_[s_.nodes - s_.modules + n], clock);
        round_trip_.clock(port_[1], clock);
        sharing_.clock(clock);
        rise_.clock(clock, port_[1].out.valid);
        samples_.clock(clock, network_.queue());
        if (port_[0].in.valid && !completed_) ++port0_beats_;
        network_.clock();
        ++clock;
    }

    // The law's record of the DATA link that is drawn, if the engine has one in this clock.
    void law([[maybe_unused]] int node, [[maybe_unused]] const Engine &e) {
#ifdef TTP_HAS_LAW
        const Vengine *top = e.top.get();
        if (!top->law_valid || !top->law_touched) return;
        const Tag tag = e.tag(top->law_lid);
        if (tag.get(TAG_vc, 2) == DATA && tag.get(TAG_node, 24) == NODE_BASE + traffic_.partner(node))
            samples_.law(node, top->law_window, top->law_gap);
#endif
    }

    void packet(int to, int from, int vc, uint32_t number, int bytes) {
        since_ = clock;
        ++arrived_;
        order_.packet(clock, to, from, vc, number);
        bytes_ += bytes;
        if (number >= hosts_[from].sent(vc, to).sent)
            throw Failure{"host " + std::to_string(to) + " has packet " + std::to_string(number)
                          + " of host " + std::to_string(from) + " before that was sent"};
        if (vc == REQ_HI) {
            waited(pinged_[from].front(), clock + 1, false);
            pinged_[from].pop_front();
            return;
        }
        ++data_arrived_;
        if (data_arrived_ == (data_ + 1) / 2) fairness_ = fairness();
        half_.data(from, to, bytes, clock);
        sharing_.data(from, bytes);
        samples_.data(from, bytes);
        if (data_arrived_ == data_ && !s_.clocks) {
            completed_ = clock + 1;
            goodput_ = double(ideal_) / completed_;
        }
    }

    // Jain's index of what each sender has brought through by now.
    double fairness() const {
        std::vector<double> shares;
        for (const Host &host : hosts_) {
            if (!traffic_.is_sender(host.self)) continue;
            shares.push_back(0);
            for (const Host &to : hosts_)
                shares.back() += double(to.received(DATA, host.self).bytes);
        }
        return jain(shares);
    }

    bool done() const {
        if (arrived_ != planned_ || !completed_) return false;
        for (const Host &host : hosts_) if (!host.sent_all()) return false;
        for (auto &e : engines_) if (e && e->top->free_slots != SLOTS) return false;
        for (const Module &module : modules_) if (!module.idle()) return false;
        return network_.idle();
    }
    // Dozens of rounds of the link timer, or all buffers on the way sent twice.
    uint64_t patience() const {
        return 64ull * engines_[0]->top->cfg_timer_tick * LINKS + 2 * s_.network.buffer / WB
               + s_.host.stop_period;
    }

    Settings s_;
    Network network_;
    std::vector<Port> port_;            // of the engines
    std::vector<std::unique_ptr<Engine>> engines_;      // null: a module is there
    std::deque<Module> modules_;                        // of the last nodes
    std::deque<Host> hosts_;
    std::map<int, std::deque<uint64_t>> pinged_;
    Traffic traffic_;
    Half half_;
    Samples samples_;
    Order order_;
    Sharing sharing_;
    Rise rise_;
    Waits waits_;
    Watch watch_;
    FirstRoundTrip round_trip_;         // of host 1
    uint64_t since_ = 0, ideal_ = 0, network_ideal_ = 0, completed_ = 0, bytes_ = 0,
             port0_beats_ = 0;
    uint32_t arrived_ = 0, planned_ = 0, data_ = 0, data_arrived_ = 0;
    double fairness_ = 0, goodput_ = 0;
};

}  // namespace ttp::fabric
