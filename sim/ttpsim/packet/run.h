// The engines, their hosts and the network between them, and what is measured: a run.
#pragma once

#include <map>
#include <memory>

#include "timer.h"

#include "content.h"
#include "load.h"
#include "measure.h"
#include "order.h"
#include "plan.h"
#include "samples.h"
#include "topology.h"

namespace ttp::packet {

class Run {
public:
    explicit Run(const Settings &settings)
        : s_(settings), network_(w_.events, w_.frames, s_.delay, s_.network, s_.seed),
          topology_(network_, s_), traffic_(s_), plan_(s_, traffic_), half_(s_, traffic_),
          samples_(s_, traffic_), order_(s_.order),
          sharing_(s_, topology_.idle_round_trip(LONGEST_FRAME - 60)),
          rise_(s_, topology_.idle_round_trip(LONGEST_FRAME - 60)), sent_(3 * s_.nodes),
          received_(s_.nodes) {
        if (!s_.clocks || plan_.ring()) measure_plan();
        connect();
        peers();
        for (int node = 0; node < s_.nodes; ++node) add_engine(node);
        begin();
    }

    // True if all that was sent has arrived, in order, and nothing is left anywhere.
    template <typename Told>
    bool run(Told progress) {
        try {
            while (s_.clocks ? clock < s_.clocks : !done()) {
                const uint64_t before = clock;
                clock = w_.events.next(end());
                between(before);
                if (clock == end()) break;
                w_.events.run([&](const Happening &event) { happens(event); });
                if (clock / 1024 != before / 1024) progress(*this);
                if (clock - since_ > patience_)
                    throw Failure{"nothing has arrived for " + std::to_string(patience_)
                                  + " clocks: " + of_all()};
                if (s_.limit && clock >= s_.limit)
                    throw Failure{"not done after " + std::to_string(clock) + " clocks: "
                                  + of_all()};
            }
            if (s_.clocks) cut_off();
        } catch (const Failure &error) {
            failure = "clock " + std::to_string(clock) + ": " + error.text;
        }
        return failure.empty();
    }

    void write(Json &json);

    std::string failure;
    uint64_t clock = 0;
    uint64_t arrived() const { return arrived_; }
    uint64_t planned() const { return s_.clocks ? arrived_ : planned_; }
    double share() const {
        return s_.clocks ? double(clock) / s_.clocks
                         : double(arrived_) / std::max<uint64_t>(1, planned_);
    }

private:
    enum More : uint8_t { BEGINS = 100, AT_PING, AT_SAMPLE, AT_HALF };

    uint64_t end() const { return s_.clocks ? s_.clocks : ~0ull; }
    std::string of_all() const {
        return std::to_string(arrived_) + " of " + std::to_string(planned_) + " packets are there";
    }

    // ---- setup -------------------------------------------------------------------------------

    void measure_plan() {
        fabric::Load load(s_.nodes, topology_);
        plan_.each([&](int from, int to, uint64_t packets) {
            if (s_.host.bytes) return load.add(from, to, s_.host.bytes, packets);
            for (uint64_t n = 0; n < packets; ++n) {
                uint32_t &number = numbers_[{from, to}];
                load.add(from, to, length_of(s_.host, from, to, DATA, number++), 1);
            }
        });
        numbers_.clear();
        ideal_ = load.hosts();
        network_ideal_ = load.all();
        planned_ = data_ = plan_.planned();
    }

    void connect() {
        network_.begins_kind = BEGINS;
        network_.at_switch_kind = AT_SWITCH;
        network_.at_host = AT_HOST;
        w_.sends = [&](int node, uint32_t frame, uint64_t at) {
            const Frame &f = w_.frames[frame];
            if (node == 1) trip(f, at);
            network_.send(node, frame, at);
        };
        w_.host_offers = [&](int node, int vc, int &to, int &bytes) {
            return offer(node, vc, to, bytes);
        };
        w_.length = [&](int from, int to, int vc, uint32_t number) {
            return length_of(s_.host, from, to, vc, number);
        };
        w_.delivered = [&](int node, const Link &link, uint32_t number) {
            packet(node, link.peer, link.vc, number);
        };
        w_.rx_beats = [&](int node, uint64_t at) { return network_.read_by(node, at); };
        w_.host_reads = [&](uint64_t at, int beats) { return reads(at, beats); };
    }

    // How many others a host has links with: its link table is as large as that needs.
    void peers() {
        peers_.assign(s_.nodes, 1);
        if (traffic_.many_to_one()) peers_[0] = s_.nodes - 1;
        else if (plan_.ring()) peers_.assign(s_.nodes, 2);
        else if (s_.traffic == "all_to_all") peers_.assign(s_.nodes, s_.nodes - 1);
        else peers_.assign(s_.nodes, 2);
        if (s_.ping_every) peers_[0] = s_.nodes - 1;
    }

    // Whether the preset's link table has a way for the DATA of every other host.
    bool fits(int node) const {
        std::vector<int> taken(LINKS / 2);
        if (s_.ping_every || s_.nodes > LINKS) return false;
        for (int peer = 0; peer < s_.nodes; ++peer)
            if (peer != node && ++taken[link_row(peer, DATA)] > 2) return false;
        return true;
    }

    void add_engine(int node) {
        EngineSettings e;
        if (!fits(node)) while (e.links < 2 * peers_[node]) e.links *= 2;
        const bool old = s_.is_old(node);
        e.link_slots = old ? s_.old_slots : s_.link_slots;
        e.tick = s_.tick ? s_.tick : std::max(2, TIMER_TICK * LINKS / e.links);
        e.says = s_.says_of(node);
        e.hears = s_.hears_of(node);
        e.selective = s_.selective;
        e.congestion = s_.congestion && !old;
        e.open_id_seed = uint32_t(mix(s_.seed * 4096 + node));
        e.ready = s_.reset_clocks;
        engines_.push_back(std::make_unique<Engine>(w_, node, e));
        const uint64_t most = 64ull * e.tick * e.links + 2 * s_.network.buffer / WB
                              + s_.host.stop_period;
        patience_ = std::max(patience_, most);
    }

    void begin() {
        const uint64_t unit = law::INTERVAL * (64 / WB);
        for (int node = 0; node < s_.nodes; ++node) {
            w_.events.at(std::max<uint64_t>(s_.begins(node), FIRST_SLOT), HOST_BEGINS, node);
            if (s_.joins(node)) w_.events.at(std::max<uint64_t>(s_.join_at, 1), HOST_BEGINS, node);
            if (s_.congestion)
                w_.events.at(unit - s_.reset_clocks % unit, INTERVAL, node);
        }
        if (s_.ping_every) w_.events.at(0, AT_PING, 0);
        if (!s_.samples.empty()) w_.events.at(0, AT_SAMPLE, 0);
        if (s_.clocks) w_.events.at(s_.clocks / 2, AT_HALF, 0);
    }

    // ---- what happens ------------------------------------------------------------------------

    void happens(const Happening &event) {
        switch (event.kind) {
        case AT_SWITCH: return network_.at_switch(event.node, event.what);
        case BEGINS: return network_.begins(event.node, event.what);
        case AT_PING: return ping();
        case AT_SAMPLE: return sample();
        case AT_HALF: before_ = network_.counts; return;
        case AT_HOST:
            if (event.node == 1 && w_.frames[event.what].kind == ACK && since_trip_ && !trip_)
                trip_ = clock - clocks::RECEIVE - since_trip_;
            break;
        }
        engines_[event.node]->happens(event);
    }

    bool offer(int node, int vc, int &to, int &bytes) {
        if (vc == DATA && clock < s_.begins(node)) return false;
        if (!plan_.take(node, vc, to)
            && (vc != DATA || !plan_.refill(node, clock) || !plan_.take(node, vc, to)))
            return false;
        uint32_t &number = sent_[3 * node + vc][to];
        bytes = length_of(s_.host, node, to, vc, number++);
        return true;
    }

    // The clock in which the reader of DATA has taken so many beats.
    uint64_t reads(uint64_t at, int beats) const {
        if (!s_.host.stop_period) return at + beats - 1;
        for (uint64_t last = at;; ++last)
            if (int(last % s_.host.stop_period) >= s_.host.stop_clocks && !--beats) return last;
    }

    void packet(int to, int from, int vc, uint32_t number) {
        since_ = clock;
        ++arrived_;
        order_.packet(clock, to, from, vc, number);
        const int bytes = length_of(s_.host, from, to, vc, number);
        bytes_ += bytes;
        if (vc == REQ_HI) {
            waited(pinged_[from].front(), clock + 1, false);
            pinged_[from].pop_front();
            return;
        }
        ++data_arrived_;
        received_[from] += bytes;
        if (data_arrived_ == (data_ + 1) / 2) fairness_ = fairness();
        half_.data(from, to, bytes, clock);
        sharing_.data(from, bytes);
        samples_.data(from, bytes);
        if (plan_.arrived(to)) engines_[to]->host_offer(DATA, clock + 1);
        if (data_arrived_ == data_ && !s_.clocks) {
            completed_ = clock + 1;
            goodput_ = double(ideal_) / completed_;
            port0_beats_ = network_.read_by(0, clock + 1);
        }
    }

    void ping() {
        w_.events.at(clock + s_.ping_every, AT_PING, 0);
        if (completed_) return;
        const int node = 1 + pings_++ % (s_.nodes - 1 - s_.modules);
        plan_.ping(node);
        pinged_[node].push_back(clock);
        ++planned_;
        engines_[node]->host_offer(REQ_HI, clock);
    }
    void waited(uint64_t since, uint64_t until, bool unfinished) {
        waits_.clocks.push_back(until - since);
        waits_.unfinished += unfinished;
        half_.ping(since, until - since, unfinished);
    }

    void sample() {
        for (int node = 0; node < s_.nodes; ++node) {
            if (!traffic_.is_sender(node)) continue;
            const Pace &p = w_.links[w_.links.find(node, traffic_.partner(node), DATA)].pace;
            samples_.law(node, p.window, p.gap);
        }
        samples_.queue(network_.of_host(0).held(clock));
        samples_.clock(clock);
        w_.events.at(clock + fabric::SAMPLE_CLOCKS, AT_SAMPLE, 0);
    }

    // From the first beat of host 1's first PAYLOAD to the last one of the first ACK after it; and
    // when it sends, for whoever looks at that clock by clock.
    void trip(const Frame &f, uint64_t at) {
        if (f.kind == PAYLOAD && !since_trip_) since_trip_ = at;
        sends_from_ = at;
        sends_until_ = at + beats_of(f.bytes);
    }
    void between(uint64_t before) {
        if (s_.nodes == 2)
            for (uint64_t c = before; c < clock; ++c)
                rise_.clock(c, c >= sends_from_ && c < sends_until_);
        if (sharing_.wanted()) for (uint64_t c = before; c < clock; ++c) sharing_.clock(c);
    }

    void cut_off() {
        clock = s_.clocks;
        port0_beats_ = network_.read_by(0, clock);
        goodput_ = half_.goodput();
        fairness_ = fairness();
        for (auto &[from, sent] : pinged_)
            for (uint64_t since : sent) waited(since, clock, true);
    }
    double fairness() const {
        std::vector<double> shares;
        for (int node = 0; node < s_.nodes; ++node)
            if (traffic_.is_sender(node)) shares.push_back(double(received_[node]));
        return fabric::jain(shares);
    }
    bool done() const {
        if (arrived_ != planned_ || !completed_ || w_.frames.used()) return false;
        for (auto &e : engines_) if (e->free_slots() != SLOTS) return false;
        return true;
    }

    const Settings s_;
    World w_;
    Network network_;
    Topology topology_;
    fabric::Traffic traffic_;
    Plan plan_;
    fabric::Half half_;
    SwitchCounts before_;                                   // the second half of a run
    fabric::Samples samples_;
    fabric::Order order_;
    fabric::Sharing sharing_;
    fabric::Rise rise_;
    fabric::Waits waits_;
    std::vector<std::unique_ptr<Engine>> engines_;
    std::vector<int> peers_;
    std::vector<std::unordered_map<int, uint32_t>> sent_;   // by 3 * node + VC: packets so far
    std::vector<uint64_t> received_;                        // bytes of each sender
    std::map<std::pair<int, int>, uint32_t> numbers_;
    std::map<int, std::deque<uint64_t>> pinged_;
    uint64_t since_ = 0, ideal_ = 0, network_ideal_ = 0, completed_ = 0, bytes_ = 0,
             port0_beats_ = 0, patience_ = 0, since_trip_ = 0, trip_ = 0, sends_from_ = 0,
             sends_until_ = 0;
    uint64_t arrived_ = 0, planned_ = 0, data_ = 0, data_arrived_ = 0;
    int pings_ = 0;
    double fairness_ = 0, goodput_ = 0;
};

}  // namespace ttp::packet
