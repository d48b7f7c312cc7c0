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
#include "random.h"

namespace ttp::fabric {

inline constexpr uint32_t NODE_BASE = 0x5A0000;     // node i is this + i: no two hash alike
inline constexpr int LONGEST_FRAME = 60 + 1024;
inline constexpr int OPCODE_AT = 42, VC_AT = 43, TX_ID_AT = 52;
inline constexpr int PAYLOAD_OPCODE = 6, ACK_OPCODE = 7;
enum Vc { REQ_HI = 1, DATA = 2 };

inline int beats_of(int bytes) { return (std::max(bytes, 64) + WB - 1) / WB; }

struct SwitchSettings {
    bool cut_through = false;
    int64_t buffer = 65536;             // bytes of each output port
    uint64_t loss_ppm = 0;              // of the frames that enter
    std::string defect;                 // what the checks must find: swap, port, node or number
};

// What one output port, or all of a switch, has done.
struct SwitchCounts {
    uint64_t frames = 0, dropped_full = 0, lost = 0, beats = 0, defects = 0;
    uint64_t data = 0, data_dropped = 0;    // PAYLOADs on DATA: sent by hosts, found no room
    int64_t peak = 0;                   // most bytes in the queue

    void add(const SwitchCounts &c) {
        frames += c.frames;
        dropped_full += c.dropped_full;
        lost += c.lost;
        beats += c.beats;
        defects += c.defects;
        data += c.data;
        data_dropped += c.data_dropped;
        peak = std::max(peak, c.peak);
    }
};

class Switch {
public:
    // `route(destination, input port)` is the output port. Hosts are at the first `hosts` ports.
    template <typename Route>
    Switch(int ports, int hosts, const SwitchSettings &settings, uint64_t seed, Route route)
        : in(ports), out(ports), counts(ports), hosts_(hosts), settings_(settings), random_(mix(seed)),
          route_(route), arriving_(ports), queue_(ports), held_(ports) {}

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
        if (!a.frame) begin(from, a, b);
        alter(a, b);
        a.bytes += size(b);
        a.frame->beats.push_back(b);
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
    static bool is_data(const Frame &frame) {
        auto byte = [&](int at) { return frame.beats[at / WB].data[at % WB]; };
        return byte(OPCODE_AT) == PAYLOAD_OPCODE && byte(VC_AT) == DATA;
    }

    void begin(int from, Arriving &a, const Beat &first) {
        a.frame = std::make_shared<Frame>();
        uint32_t node = uint32_t(first.data[3]) << 16 | first.data[4] << 8 | first.data[5];
        a.to = route_(node - NODE_BASE, from);
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
    std::function<int(uint32_t, int)> route_;
    std::vector<Arriving> arriving_;
    std::vector<std::deque<std::shared_ptr<Frame>>> queue_;
    std::vector<int64_t> held_;
};

}  // namespace ttp::fabric
