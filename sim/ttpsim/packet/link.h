// Frames, and what an engine knows of one link: the fields of its tag (rtl/ttpoe/link/table.py)
// and of the law's word.
#pragma once

#include <array>
#include <deque>
#include <unordered_map>
#include <vector>

#include "shape.h"      // generated: sim/ttpsim/packet/build.py; before the others

#include "frame.h"
#include "law.h"

namespace ttp::packet {

using fabric::beats_of;
using fabric::DATA;
using fabric::NODE_BASE;
using fabric::REQ_HI;

enum Kind : uint8_t { OPEN, OPEN_ACK, PAYLOAD, ACK, NACK, NACK_FULL };

struct Frame {
    Kind kind = PAYLOAD;
    uint8_t vc = 0, code = 0;           // byte 48: the code of an answer, `more` of a PAYLOAD
    bool selective = false, controlled = false;
    int from = 0, to = 0;               // nodes
    uint32_t link = 0;                  // the sender's; the receiver's is link ^ 1
    uint32_t tx = 0, rx = 0;
    int bytes = 64;
    bool lost = false;                  // by the cable that it is on
};

// Frames that are under way, by number.
class Frames {
public:
    uint32_t add(const Frame &frame) {
        if (free_.empty()) {
            all_.push_back(frame);
            return all_.size() - 1;
        }
        const uint32_t number = free_.back();
        free_.pop_back();
        all_[number] = frame;
        return number;
    }
    Frame &operator[](uint32_t number) { return all_[number]; }
    void drop(uint32_t number) { free_.push_back(number); }
    size_t used() const { return all_.size() - free_.size(); }

private:
    std::deque<Frame> all_;
    std::vector<uint32_t> free_;
};

enum class State : uint8_t { CLOSED, OPEN_SENT, OPEN_RECD, OPEN };

// What the gate and the pipeline see of the law's word, from a clock on: the law lags behind.
struct Seen {
    uint64_t from = 0;
    uint16_t next_at = 0;
    bool slow = false, stop = false, paced = false, free = false;
};

struct Link {
    int node = 0, peer = 0, vc = 0;
    int lid = 0, row = 0;               // its place in the link table
    State state = State::CLOSED;
    // our data: `alloc` packets from `una` on, `sent` of them sent, `current` the next one
    uint32_t first = 0, una = 0;
    int alloc = 0, sent = 0, current = 0, oldest_at = 0, lag = 0, retries = 0;
    bool selective = false, controlled = false, held = false, queued = false, timer = false;
    bool walking = false;
    // the peer's data
    uint32_t received = 0, seen = 0;
    bool gap = false, looking = false;
    int kept = 0;
    std::vector<bool> keeps;            // by the lowest bits of the ID; empty until it is needed
    // the law
    Pace pace;
    bool counted = false;
    int age = 0;
    std::array<Seen, 4> shown{};        // the newest last
    bool gated = false;                 // it waits in the gate ...
    uint64_t looked = 0;                // ... and was looked at first in this clock
    uint16_t leaves = 0;                // of its announced exits from the gate the one that counts
    bool asleep = true;                 // the timer's visits would change nothing

    const Seen &seen_at(uint64_t clock) const {
        for (int n = 3; n > 0; --n) if (shown[n].from <= clock) return shown[n];
        return shown[0];
    }
    bool waits() const { return current < alloc && !held; }
    // The slot at the sending position: behind acknowledged ones it is not.
    bool knows_next() const { return current || !lag; }
};

// All links, both ends of one side by side: the other end of number n is n ^ 1.
class Links {
public:
    Link &operator[](uint32_t number) { return all_[number]; }
    const Link &operator[](uint32_t number) const { return all_[number]; }

    // The end at `node`; it is made, CLOSED, if it is not there.
    uint32_t find(int node, int peer, int vc) {
        const uint64_t low = std::min(node, peer), high = std::max(node, peer);
        auto [at, made] = places_.try_emplace((low << 32 | high) * 3 + vc, all_.size());
        if (made)
            for (int end : {0, 1}) {
                all_.emplace_back();
                all_.back().node = end ? high : low;
                all_.back().peer = end ? low : high;
                all_.back().vc = vc;
                all_.back().lid = -1;
            }
        return at->second + (uint64_t(node) == high);
    }
    size_t size() const { return all_.size(); }

private:
    std::deque<Link> all_;
    std::unordered_map<uint64_t, uint32_t> places_;
};

}  // namespace ttp::packet
