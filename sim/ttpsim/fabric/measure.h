// What is measured over the second half of a run without an end, its first half being for getting
// into step; and how soon senders share fairly after some have come or gone.
#pragma once

#include <deque>

#include "frame.h"
#include "json.h"
#include "traffic.h"

namespace ttp::fabric {

// Jain's index: 1 if all have the same.
inline double jain(const std::vector<double> &shares) {
    double sum = 0, squares = 0;
    for (double share : shares) { sum += share; squares += share * share; }
    return squares ? sum * sum / (shares.size() * squares) : 0;
}

// Times of urgent packets, in clocks.
struct Waits {
    std::vector<uint64_t> clocks;
    uint64_t unfinished = 0;            // of them, with the age that they had at the end

    template <typename Archive>
    void state(Archive &a) { a & clocks & unfinished; }
    void write(Json &json) {
        std::sort(clocks.begin(), clocks.end());
        json.put("pings", clocks.size()).put("pings_unfinished", unfinished);
        if (clocks.empty()) return;
        json.put("ping_p50", clocks[clocks.size() / 2]);
        json.put("ping_p99", clocks[std::min(clocks.size() - 1, clocks.size() * 99 / 100)]);
        json.put("ping_max", clocks.back());
    }
};

class Half {
public:
    Half(const Settings &settings, const Traffic &traffic)
        : s_(settings), traffic_(traffic), from_(settings.clocks / 2), beats_(s_.nodes),
          bytes_(s_.nodes), in_(s_.nodes), out_(s_.nodes) {}

    // A packet of DATA has come in this clock.
    void data(int from, int to, int bytes, uint64_t clock) {
        if (clock < from_) return;
        const int there = beats_of(60 + bytes), back = beats_of(60);
        bytes_[from] += bytes;
        beats_[from] += there;
        in_[to] += there;
        out_[from] += there;
        in_[from] += back;
        out_[to] += back;
    }
    void ping(uint64_t sent, uint64_t clocks, bool unfinished) {
        if (sent < from_) return;
        waits_.clocks.push_back(clocks);
        waits_.unfinished += unfinished;
    }

    // Useful beats, of PAYLOADs delivered for the first time and of their ACKs, as a share of what
    // a port could carry: to host 0 if many send to one, else of all hosts' ports in the mean.
    double goodput() const { return share(in_, traffic_.many_to_one()); }
    template <typename Archive>
    void state(Archive &a) { a & beats_ & bytes_ & in_ & out_ & waits_; }

    // What the switches had done by its begin, and by its end.
    void write(Json &json, const SwitchCounts &before, const SwitchCounts &now) {
        const uint64_t sent = now.data - before.data;
        const uint64_t dropped = now.data_dropped - before.data_dropped;
        json.begin("half").put("goodput", goodput());
        if (s_.traffic == "reverse") json.put("goodput_back", share(out_, true));
        json.put("fairness", fairness()).put("data_sent", sent).put("data_dropped", dropped);
        json.put("dropped_share", double(dropped) / std::max<uint64_t>(1, sent));
        waits_.write(json);
        std::vector<double> nodes, shares;
        double least = 1;                   // of those who do not lie
        for (int node = 0; node < s_.nodes; ++node) {
            if (!traffic_.is_sender(node)) continue;
            nodes.push_back(node);
            shares.push_back(double(beats_[node]) / clocks());
            if (!s_.hears_of(node)) least = std::min(least, shares.back());
        }
        // Of an equal part of the port, or of the line if each sends to others.
        json.put("least", traffic_.many_to_one() ? least * shares.size() : least);
        json.list("senders", nodes).list("sender_goodput", shares).end();
    }

private:
    uint64_t clocks() const { return std::max<uint64_t>(1, s_.clocks - from_); }
    double share(const std::vector<uint64_t> &beats, bool first) const {
        const size_t ports = first ? 1 : beats.size();
        return double(std::accumulate(beats.begin(), beats.begin() + ports, uint64_t(0)))
               / (ports * clocks());
    }
    // Of those who send in all of the half.
    double fairness() const {
        std::vector<double> shares;
        for (int node = 0; node < s_.nodes; ++node) {
            const bool all = s_.active(node, from_) && s_.active(node, s_.clocks - 1)
                             && (!s_.joins(node) || s_.join_at <= from_);
            if (traffic_.is_sender(node) && all) shares.push_back(bytes_[node]);
        }
        return jain(shares);
    }

    const Settings &s_;
    const Traffic &traffic_;
    uint64_t from_;
    std::vector<uint64_t> beats_, bytes_, in_, out_;
    Waits waits_;
};

// When senders share fairly again: from the first clock on from which, in a window of so many
// turns, the index is high enough and nobody is far from the mean. (Of 63 senders one without
// anything leaves the index at 0.984.) A turn is a round trip, or the time in which the port carries a
// packet of everybody if that is longer.
class Sharing {
public:
    static constexpr double FAIR = 0.98, LEAST = 0.8, MOST = 1.25;
    static constexpr int TURNS = 8, STEPS = 32;     // of a window

    Sharing(const Settings &settings, int idle_round_trip)
        : s_(settings), bytes_(s_.nodes),
          turn_(std::max(idle_round_trip, (s_.nodes - 1) * beats_of(LONGEST_FRAME))) {}

    bool wanted() const { return s_.join; }
    template <typename Archive>
    void state(Archive &a) { a & bytes_ & past_; }
    void data(int from, int bytes) { bytes_[from] += bytes; }
    void clock(uint64_t clock) {
        if (wanted() && clock % step() == 0) past_.push_back(bytes_);
    }
    void write(Json &json) const {
        json.put("turn", turn_);
        if (!wanted()) return;
        const uint64_t end = s_.leave_at ? s_.leave_at : s_.clocks;
        after(json, "fair_after_join", s_.join_at, end);
        if (s_.leave_at) after(json, "fair_after_leave", s_.leave_at, s_.clocks);
    }

private:
    uint64_t step() const { return std::max(1, turn_ * TURNS / STEPS); }
    static bool fair(const std::vector<double> &shares) {
        const double mean = std::accumulate(shares.begin(), shares.end(), 0.) / shares.size();
        const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
        return jain(shares) >= FAIR && *least >= LEAST * mean && *most <= MOST * mean;
    }
    // In clocks; nothing if that never happens.
    void after(Json &json, const char *name, uint64_t since, uint64_t end) const {
        for (size_t at = (since + step() - 1) / step(); at + STEPS < past_.size(); ++at) {
            if ((at + STEPS) * step() > end) return;
            std::vector<double> shares;
            for (int node = 1; node < s_.nodes; ++node)
                if (s_.active(node, since))
                    shares.push_back(past_[at + STEPS][node] - past_[at][node]);
            if (!fair(shares)) continue;
            json.put(name, at * step() - since);
            return;
        }
    }

    const Settings &s_;
    std::vector<uint64_t> bytes_;
    int turn_;
    std::vector<std::vector<uint64_t>> past_;   // bytes of each sender by then, every step() clocks
};

// How soon a sender that has the network for itself fills its wire: from its first beat to the
// begin of the first round trip in which it sends in nearly every clock.
class Rise {
public:
    static constexpr double FULL = 0.95;

    Rise(const Settings &settings, int round_trip)
        : wanted_(settings.nodes == 2), sent_(round_trip) {}

    void clock(uint64_t clock, bool sends) {
        if (!wanted_ || full_ || (!begun_ && !sends)) return;
        if (!begun_) begun_ = clock + 1;
        bool &oldest = sent_[clock % sent_.size()];
        busy_ += sends - oldest;
        oldest = sends;
        if (busy_ >= FULL * sent_.size()) full_ = clock + 2;
    }
    template <typename Archive>
    void state(Archive &a) { a & sent_ & busy_ & begun_ & full_; }
    // In clocks; -1 if that never happens, or if there is more than one sender.
    int64_t after() const {
        return full_ ? std::max(int64_t(0), int64_t(full_ - begun_ - sent_.size())) : -1;
    }

private:
    bool wanted_;
    std::deque<bool> sent_;             // of the last clocks of a round trip
    int busy_ = 0;
    uint64_t begun_ = 0, full_ = 0;     // the clock and 1, behind it; 0: not yet
};

}  // namespace ttp::fabric
