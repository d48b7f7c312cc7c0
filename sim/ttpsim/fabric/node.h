// A node besides its engine or module: host, traffic, the two directions of its cable, and what is
// looked at there. Nothing of it is another node's, so that nodes may run in any order.
#pragma once

#include "cable.h"
#include "host.h"
#include "lie.h"
#include "measure.h"
#include "watch.h"

namespace ttp::fabric {

class Node {
public:
    Node(int node, const Settings &settings, const Traffic &traffic, int round_trip,
         std::vector<Record> &log, std::vector<Fault> &faults)
        : self(node), begins(settings.begins(node)),
          sampled(!settings.samples.empty()), host(node, settings.nodes, settings.host),
          says(settings.says_of(node)), hears(settings.hears_of(node)),
          rise(settings, round_trip), s_(settings), traffic_(traffic), log_(log),
          faults_(faults), random_(mix(settings.seed ^ 0xFAB), node),
          rounds_(settings.clocks || settings.host.workload ? 0 : settings.count), pings_(settings.pings(node)),
          next_ping_(pings_ ? uint64_t(node - 1) * settings.ping_every : NEVER) {
        if (s_.host.workload) player_ = std::make_unique<Player>(*s_.host.workload, node);
    }

    // The packets that the host has from this clock on.
    void begin(uint64_t clock) {
        if (clock == next_ping_) {
            next_ping_ += uint64_t(s_.pingers()) * s_.ping_every;
            if (!completed) host.plan[REQ_HI].push_back(0);
        }
        if (!host.plan[DATA].empty()) return;
        if (player_) {
            for (int to : player_->round(clock)) host.plan[DATA].push_back(to);
            return;
        }
        if (!may_send(clock)) return;
        for (int to : traffic_.round(self, random_)) host.plan[DATA].push_back(to);
        planned_ += host.plan[DATA].size();
        if (rounds_) --rounds_;
    }
    // What the network has sent to it and what it sends in this clock, which is over.
    void end(uint64_t clock, const Beat &came, const Beat &goes) {
        round_trip.clock(goes, came, clock);
        if (self == 1) rise.clock(clock, goes.valid);
        if (self == 0 && came.valid && !completed) heard_.push_back(clock);
        for (const Sent &one : host.taken)
            log_.push_back({clock, self, one.to, What::SENT, uint8_t(one.vc), 0,
                            uint32_t(one.bytes), one.begun});
        host.taken.clear();
        if (sampled && clock % SAMPLE_CLOCKS == 0 && law != told_) {
            told_ = law;
            log_.push_back({clock, self, 0, What::LAW, 0, law.first, law.second, 0});
        }
    }
    void delivered(uint64_t clock, int from, int vc, uint32_t number, int bytes) {
        if (player_ && vc == DATA) player_->arrived(from, number);
        log_.push_back({clock, self, from, What::DELIVERED, uint8_t(vc), number, uint32_t(bytes),
                        0});
    }
    // A check has failed here: the node does no more.
    void fails(uint64_t clock, const Failure &error) {
        dead = true;
        faults_.push_back({clock, Fault::NODE, self, error.text});
    }
    // After a window: what all know by now. `at`: the clock after the last packet, 0: not yet.
    void told(uint64_t at) {
        for (uint64_t clock : heard_) port_beats += !at || clock + 1 < at;
        heard_.clear();
        completed = at;
    }
    // Node number of the peer whose link is drawn.
    uint32_t partner() const { return NODE_BASE + traffic_.partner(self); }
    // Between two windows.
    void state(Archive &a) {
        a & completed & host & says & hears & watch & round_trip & rise & port_beats & law & told_ & random_
            & rounds_ & planned_ & next_ping_;
        if (player_) a & *player_;
    }
    bool sent_all() const {
        return !rounds_ && (!player_ || player_->all_given()) && host.sent_all();
    }

    const int self;
    const uint64_t begins;
    bool dead = false, completed = false;
    const bool sampled;                         // whether `law` is wanted
    Host host;
    Lie says, hears;                            // of frames that leave, and of those that come
    Cable *in = nullptr, *out = nullptr;
    Watch watch;
    FirstRoundTrip round_trip;
    Rise rise;
    uint64_t port_beats = 0;                    // that came to node 0 until all was there
    std::pair<uint32_t, uint32_t> law;          // window and gap of the link that is drawn

private:
    static constexpr uint64_t NEVER = ~0ull;

    bool may_send(uint64_t clock) const {
        if (s_.clocks ? !s_.active(self, clock) : !rounds_) return false;
        // Step by step: what comes of the neighbour before is passed on, a chunk later.
        return s_.traffic != "ring" || planned_ < s_.chunk + host.data_received();
    }

    const Settings &s_;
    const Traffic &traffic_;
    std::vector<Record> &log_;
    std::vector<Fault> &faults_;
    Random random_;
    std::unique_ptr<Player> player_;            // of a workload, which takes the traffic's place
    uint64_t rounds_, planned_ = 0;
    bool pings_;
    uint64_t next_ping_;
    std::vector<uint64_t> heard_;
    std::pair<uint32_t, uint32_t> told_;
};

}  // namespace ttp::fabric
