// Output-queued switches, a beat per clock and direction; they know nothing of TTP.
//
// A frame enters the queue of its output port when all of it has arrived (store and forward), or
// with its first beat (cut-through). A queue holds so many bytes; a frame that does not fit is
// dropped whole. Nothing looks at the VC: to an ordinary switch all frames are alike.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "cable.h"
#include "frame.h"
#include "settings.h"

namespace ttp::fabric {

class Switch {
public:
    // `route(destination, input port, source)` is the output port; with `by_source` the frame waits
    // for the beat that completes its source, else that is not looked at. Hosts are at the first
    // `hosts` ports.
    template <typename Route>
    Switch(int ports, int hosts, const SwitchSettings &settings, uint64_t seed, bool by_source,
           Route route)
        : in(ports), out(ports), counts(ports), hosts_(hosts), settings_(settings),
          random_(mix(seed)), by_source_(by_source), route_(route), arriving_(ports), queue_(ports), held_(ports) {}

    void clock(uint64_t clock) {
        for (size_t from = 0; from < in.size(); ++from)
            if (const Cable *cable = in[from]; cable && cable->at(clock).valid)
                arrive(from, cable->at(clock));
        for (size_t to = 0; to < out.size(); ++to) {
            if (!queue_[to].empty()) {
                const Beat b = leave(to);
                if (out[to]) out[to]->put(clock, b);
            } else if (out[to]) {
                out[to]->blank(clock, clock + 1);
            }
        }
    }
    bool idle() const {
        for (int64_t bytes : held_) if (bytes) return false;
        for (auto &one : arriving_) if (one.frame) return false;
        return true;
    }

    void state(Archive &a) { a & counts & random_ & queue_ & held_ & arriving_; }

    int64_t held(int to) const { return held_[to]; }    // bytes in the queue of a port

    std::vector<Cable *> in, out;       // by port; null: nothing is plugged in
    std::vector<SwitchCounts> counts;   // by output port

private:
    struct Frame {
        std::vector<Beat> beats;
        size_t sent = 0;
        void state(Archive &a) { a & beats & sent; }
    };
    struct Arriving {
        std::shared_ptr<Frame> frame;
        int to = 0, bytes = 0;
        bool dropped = false, full = false, altered = false;    // full: dropped for want of room
        void state(Archive &a) { a & frame & to & bytes & dropped & full & altered; }
    };

    static int size(const Beat &b) { return bytes_of(b.keep); }

    void arrive(int from, Beat b) {
        Arriving &a = arriving_[from];
        if (!a.frame) a.frame = std::make_shared<Frame>();
        auto &beats = a.frame->beats;
        beats.push_back(b);
        if (by_source_ && beats.size() * WB < ADDRESS_BYTES) return;
        const bool first = !a.bytes;
        if (first) choose(from, a);
        for (size_t n = first ? 0 : beats.size() - 1; n < beats.size(); ++n) {
            alter(a, beats[n]);
            a.bytes += size(beats[n]);
        }
        if (!b.last) return;
        if (settings_.cut_through) {
            if (!a.dropped) held_[a.to] -= LONGEST_FRAME - a.bytes;     // of what was set aside
        } else if (!a.dropped) {
            if (fits(a.to, a.bytes)) queue_[a.to].push_back(a.frame);
            else a.full = true;
        }
        if (is_data(*a.frame)) {
            counts[a.to].data += from < hosts_;
            counts[a.to].data_dropped += a.full;
        }
        a = Arriving();
    }
    static uint8_t byte(const Frame &frame, int at) { return frame.beats[at / WB].data[at % WB]; }
    static bool is_data(const Frame &frame) {
        return byte(frame, OPCODE_AT) == PAYLOAD_OPCODE && byte(frame, VC_AT) == DATA;
    }
    // The node in the MAC address that begins there.
    static uint32_t node_at(const Frame &frame, int at) {
        return uint32_t(byte(frame, at + 3)) << 16 | byte(frame, at + 4) << 8 | byte(frame, at + 5);
    }

    // Where the frame goes, and what becomes of it there.
    void choose(int from, Arriving &a) {
        const uint32_t node = node_at(*a.frame, 0);
        const uint32_t source = by_source_ ? node_at(*a.frame, 6) - NODE_BASE : 0;
        a.to = route_(node - NODE_BASE, from, source);
        if (a.to < 0 || a.to >= int(out.size()))
            throw Failure{"a frame to node " + std::to_string(node) + ", which does not exist"};
        a.altered = !settings_.defect.empty() && random_.below(32) == 0;
        if (a.altered && (settings_.defect == "port" || settings_.defect == "node"))
            a.to = (a.to + 1) % out.size();
        if (settings_.loss_ppm && random_.below(1'000'000) < settings_.loss_ppm) {
            ++counts[a.to].lost;
            a.dropped = true;
        } else if (settings_.cut_through) {
            if (fits(a.to, LONGEST_FRAME)) queue_[a.to].push_back(a.frame);
            else a.dropped = a.full = true;
        }
    }

    // With a defect: a frame is changed, and its FCS is right all the same.
    void alter(Arriving &a, Beat &b) {
        if (!a.altered) return;
        auto at = [&](int byte) { return byte >= a.bytes && byte < a.bytes + size(b)
                                         ? &b.data[byte - a.bytes] : nullptr; };
        uint8_t *low = at(settings_.defect == "node" ? 5 : TX_ID_AT + 3);
        if (settings_.defect == "node" && low) *low = a.to;
        else if (settings_.defect == "number" && low) ++*low;
        else if (settings_.defect == "swap" && at(66) && at(67)) std::swap(*at(66), *at(67));
        else if (settings_.defect != "port" || !b.last) return;
        ++counts[a.to].defects;
    }

    // Takes the room, if there is so much.
    bool fits(int to, int bytes) {
        if (held_[to] + bytes > settings_.buffer) {
            ++counts[to].dropped_full;
            return false;
        }
        held_[to] += bytes;
        counts[to].peak = std::max(counts[to].peak, held_[to]);
        return true;
    }

    Beat leave(int to) {
        auto &queue = queue_[to];
        if (queue.empty() || queue.front()->sent == queue.front()->beats.size()) return Beat{};
        Frame &frame = *queue.front();
        Beat b = frame.beats[frame.sent++];
        held_[to] -= size(b);
        ++counts[to].beats;
        if (b.last) {
            ++counts[to].frames;
            queue.pop_front();
        }
        return b;
    }

    int hosts_;
    SwitchSettings settings_;
    Random random_;
    bool by_source_;
    std::function<int(uint32_t, int, uint32_t)> route_;
    std::vector<Arriving> arriving_;
    std::vector<std::deque<std::shared_ptr<Frame>>> queue_;
    std::vector<int64_t> held_;
};

}  // namespace ttp::fabric
