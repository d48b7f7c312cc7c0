// Output-queued switches, and cables: one switch, leaves and spines, or a fat tree.
//
// A port sends first in, first out, a beat per clock. So when a frame joins its queue it is known
// when it leaves, and a frame costs one event for each switch on its way.
#pragma once

#include <functional>

#include "engine.h"
#include "failure.h"
#include "settings.h"

namespace ttp::packet {

using fabric::LONGEST_FRAME;
using fabric::SwitchCounts;
using fabric::SwitchSettings;

// An output port. Its clocks are those in which beats leave.
class Port {
public:
    int to_switch = -1, to_host = -1, to_input = 0;     // what is at the other end of the cable

    // Bytes in the queue behind the beats that left before this clock.
    int64_t held(uint64_t clock) {
        for (; left_ < queue_.size() && queue_[left_].end() <= clock; ++left_)
            held_ -= queue_[left_].bytes;
        if (left_ == queue_.size() || queue_[left_].start >= clock) return held_;
        const Leaving &first = queue_[left_];
        return held_ - std::min<int64_t>((clock - first.start) * WB, first.bytes);
    }
    // A frame joins the queue in this clock; when its first beat leaves.
    uint64_t join(uint64_t clock, int bytes) {
        const int beats = beats_of(bytes);
        const uint64_t start = std::max(clock, free_);
        free_ = start + beats;
        beats_ += beats;
        held_ += bytes;
        queue_.push_back({start, beats, bytes});
        return start;
    }
    // Beats that left before this clock, which is never asked for an earlier one again.
    uint64_t beats(uint64_t clock) {
        for (; left_ && queue_.front().end() <= clock; --left_) queue_.pop_front();
        uint64_t sent = beats_;
        for (auto at = queue_.rbegin(); at != queue_.rend() && at->end() > clock; ++at)
            sent -= at->end() - std::max(clock, at->start);
        return sent;
    }
    // Nobody asks for its beats any more.
    void forget() { for (; left_; --left_) queue_.pop_front(); }

private:
    struct Leaving {
        uint64_t start;
        int beats, bytes;
        uint64_t end() const { return start + beats; }
    };
    std::deque<Leaving> queue_;
    size_t left_ = 0;                   // of them, those that have left
    int64_t held_ = 0;
    uint64_t free_ = 0, beats_ = 0;
};

// Switches by number, each with its ports; a route is the output port of a destination.
class Network {
public:
    using Route = std::function<int(int at, int to, int from)>;

    Network(Events &events, Frames &frames, int delay, const SwitchSettings &settings,
            uint64_t seed)
        : events_(events), frames_(frames), delay_(delay), s_(settings), seed_(seed) {}

    std::vector<std::vector<Port>> switches;
    struct Place { int at, port; };
    std::vector<Place> hosts;           // where each plugs in
    Route route;
    SwitchCounts counts;
    uint64_t to_host0 = 0;              // beats

    // So many switches more, with so many ports each.
    void make(int count, int ports) {
        for (int n = 0; n < count; ++n) {
            random_.emplace_back(mix(seed_ + switches.size()));
            switches.emplace_back(ports);
        }
    }
    void host(int at, int port) {
        switches[at][port].to_host = hosts.size();
        hosts.push_back({at, port});
    }
    void join(int a, int port_a, int b, int port_b) {
        switches[a][port_a].to_switch = b;
        switches[a][port_a].to_input = port_b;
        switches[b][port_b].to_switch = a;
        switches[b][port_b].to_input = port_a;
    }

    // A host's engine puts the first beat of a frame on its cable in this clock.
    void send(int node, uint32_t frame, uint64_t clock) {
        const Place p = hosts[node];
        arrive(p.at, p.port, frame, clock + delay_);
    }
    // A frame's first beat is at a switch, in a network that loses some.
    void begins(int at, uint32_t frame) {
        frames_[frame].lost = random_[at].below(1'000'000) < s_.loss_ppm;
        if (s_.cut_through) at_switch(at, frame);
    }
    // A frame is at a switch: all of it, or with cut-through its first beat.
    void at_switch(int at, uint32_t number) {
        Frame &f = frames_[number];
        Port &port = switches[at][route(at, f.to, f.from)];
        const bool from_host = hosts[f.from].at == at;
        const bool data = f.kind == PAYLOAD && f.vc == fabric::DATA;
        counts.data += data && from_host;
        const uint64_t now = events_.now();
        const int64_t bytes = s_.cut_through ? LONGEST_FRAME : f.bytes;
        const int64_t held = port.held(now);
        if (port.to_host < 0) port.forget();
        if (f.lost || held + bytes > s_.buffer) {
            ++(f.lost ? counts.lost : counts.dropped_full);
            counts.data_dropped += data && !f.lost;
            frames_.drop(number);
            return;
        }
        counts.peak = std::max(counts.peak, held + bytes);
        ++counts.frames;
        counts.beats += beats_of(f.bytes);
        const uint64_t start = port.join(now, f.bytes);
        // The switch puts a beat on the cable in the clock after; an engine reads it one later.
        if (port.to_switch >= 0) arrive(port.to_switch, port.to_input, number, start + 1 + delay_);
        else {
            const uint64_t last = start + delay_ + 2 + beats_of(f.bytes) - 1;
            if (!port.to_host) to_host0 += beats_of(f.bytes);
            events_.at(last + clocks::RECEIVE, at_host, port.to_host, number);
        }
    }
    Port &of_host(int node) { return switches[hosts[node].at][hosts[node].port]; }
    // Beats that a host's engine has read before this clock.
    uint64_t read_by(int node, uint64_t clock) {
        const uint64_t way = delay_ + 2;
        return clock < way ? 0 : of_host(node).beats(clock - way);
    }

    uint8_t begins_kind = 0, at_switch_kind = 0, at_host = 0;    // of the events

private:
    void arrive(int at, int port, uint32_t frame, uint64_t first) {
        if (s_.loss_ppm) events_.at(first, begins_kind, at, frame, port);
        if (s_.cut_through && s_.loss_ppm) return;
        const uint64_t clock = s_.cut_through ? first : first + beats_of(frames_[frame].bytes) - 1;
        events_.at(clock, at_switch_kind, at, frame, port);
    }

    Events &events_;
    Frames &frames_;
    int delay_;
    SwitchSettings s_;
    uint64_t seed_;
    std::vector<Random> random_;        // of each switch
};

}  // namespace ttp::packet
