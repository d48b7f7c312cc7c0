// Bad frames among good traffic, and the same traffic on an idle wire beside it.
//
// Two pairs of engines: one gets every frame of standard input, put between the frames of the
// other engine; of the second pair the wire is kept idle for as many clocks. A frame that does not
// parse must make no difference at all: every output is compared in every clock, and the link
// tables after every frame. One that parses but is forged raises one event; that must leave every
// tag as it was.
#pragma once

#include <cstdlib>

#include "abuse_names.h"      // generated: sim/ttpsim/abuse/build.py
#include "pair.h"

namespace ttp::abuse {

#pragma pack(push, 1)
struct Header {             // of a record on standard input; the frame's bytes follow
    uint16_t length;
    uint8_t flags;          // 1 bad FCS, 2 gaps between beats, 4 odd keep, 8 names a live link
    uint8_t category;
    uint8_t cause;          // number of the drop cause, 254: any one of them, 255: it parses
    uint8_t answer;         // opcode that answers it, 255: none
    uint8_t side;           // the engine that gets it
    uint8_t vc;             // of the live link
    uint8_t epoch_base;     // 1 the peer's, 2 the receiver's own, 0: as it stands
    uint8_t tx_base;        // 1 oldest unacknowledged, 2 last received, 3 first never sent
    uint8_t rx_base;
    uint8_t notice;         // what the host is told, 255: nothing
    int32_t epoch_plus, tx_plus, rx_plus;
    uint64_t stats;         // statistics of the link that count it
};
#pragma pack(pop)
static_assert(sizeof(Header) == 32, "as sim/ttpsim/abuse/run.py packs it");

struct Record {
    Header h;
    std::string bytes;
};

class Attack {
public:
    Attack(uint64_t seed, bool forged)
        : forged_(forged), random_(mix(seed)), hit_(seed), clean_(seed) {}

    // True when it has passed; `failure` says why not.
    template <typename Told>
    bool run(Told progress) {
        try {
            hit_.start();
            clean_.start();
            while (forged_ && !all_open()) step();
            armed_ = true;
            while (!finished_) { step(); if (!(hit_.clock & 0xFFF)) progress(*this); }
            finish();
        } catch (const Failure &error) {
            failure = "clock " + std::to_string(hit_.clock) + ", after "
                      + std::to_string(frames) + " bad frames: " + error.text;
        }
        return failure.empty();
    }

    std::string failure;
    uint64_t frames = 0, wire_clocks = 0, flipped = 0, events = 0, answers = 0,
             strays = 0;
    uint64_t categories[64] = {}, causes[64] = {}, flips[512] = {},
             stats[64] = {};
    int capacity[2] = {};       // packets that a stalled engine took, with and without
    const Pair &hit() const { return hit_; }

private:
    bool all_open() const {
        Tag t;
        for (int side = 0; side < 2; ++side)
            for (int vc = 0; vc < VCS; ++vc)
                if (!hit_.engine[side]->find(NODE[!side], vc, t) || t.state() != 3) return false;
        return true;
    }

    // ---- one clock ---------------------------------------------------------------------------

    void step(bool stalled = false) {
        for (int d = 0; d < 2 && (armed_ || !forged_) && !stalled && !draining_; ++d) attack(d);
        hit_.first(stalled);
        clean_.first(stalled);
        bool dropped = false, look[2] = {};
        for (int side = 0; side < 2; ++side) {
            dropped |= check_drop(side);
            look[side] = check_event(side);
            if (!forged_) {
                const char *what = difference(*hit_.engine[side], *clean_.engine[side], false);
                if (what) fail(side, std::string(what) + " is not what it is on an idle wire");
            }
            if (clean_.engine[side]->dropped() != -1) fail(side, "a frame dropped without cause");
        }
        // A tag is written in the clock before the event's record is there to be seen.
        for (int side = 0; side < 2 && forged_; ++side) {
            if (look[side]) compare(side);
            remember(side);
        }
        hit_.second();
        clean_.second();
        if (dropped && !forged_) same_tables();
        for (int d = 0; d < 2; ++d) {
            for (auto &frame : hit_.crossed[d]) {
                // An answer to a stranger comes to the other engine, as on a hub.
                uint32_t to = big_endian(reinterpret_cast<const uint8_t *>(&frame[3]), 3);
                if (to == NODE[!d]) expected_[!d].push_back(genuine(frame));
                else causes_[!d].push_back({CAUSE_not_ours, -1});
            }
            hit_.crossed[d].clear();
            clean_.crossed[d].clear();
        }
        if (hit_.packets() != packets_ || hit_.idle()) {
            packets_ = hit_.packets();
            since_ = hit_.clock;
        } else if (hit_.clock - since_ > 200'000) {
            throw Failure{"no packet has arrived for 200,000 clocks"};
        }
    }

    void fail(int side, const std::string &what) {
        throw Failure{std::string("engine ") + "ab"[side] + ": " + what
                      + (forged_ ? "" : "; last frames: " + last_[side])};
    }

    bool check_drop(int side) {
        Engine &e = *hit_.engine[side];
        if (e.top->stat_rx_queue_full) fail(side, "the event queue is full");
        int found = e.dropped();
        if (found == -1) return false;
        if (found == -2) fail(side, "two causes for one frame");
        if (causes_[side].empty()) fail(side, std::string("a good frame is dropped: ")
                                        + CAUSE_NAMES[found]);
        Due due = causes_[side].front();
        causes_[side].pop_front();
        if (due.cause != 254 && due.cause != found)
            fail(side, std::string("counted as ") + CAUSE_NAMES[found] + ", must be "
                 + CAUSE_NAMES[due.cause] + ": "
                 + (due.category < 0 ? "an answer" : CATEGORY_NAMES[due.category]));
        ++(due.category < 0 ? strays : causes[found]);
        return true;
    }

    static bool same_frame(const Event &got, const Expected &e) {
        return got.event == e.opcode && got.node == e.node && got.vc == e.vc
               && got.epoch == e.epoch && got.tx_id == e.tx_id && got.rx_id == e.rx_id;
    }

    // An RX event must be that of the next frame that parses, or of one that overtakes a few of other
    // links: an event that would come too close behind one of its set waits, for 8 clocks at most.
    // True if it is a forged one.
    bool check_event(int side) {
        Event got = hit_.engine[side]->event();
        if (!got.valid || got.event > RX_LAST) return false;
        if (expected_[side].empty()) fail(side, "an event without a frame that may raise one");
        auto &frames = expected_[side];
        size_t at = 0;
        while (at < frames.size() && at <= OVERTAKEN && !same_frame(got, frames[at])
               && (got.node != frames[at].node || got.vc != frames[at].vc)) ++at;
        Expected e = at < frames.size() && at <= OVERTAKEN ? frames[at] : frames.front();
        if (same_frame(got, e))
            frames.erase(frames.begin() + at);
        else
            fail(side, "the event of another frame: opcode " + std::to_string(got.event)
                 + " of node " + std::to_string(got.node) + ", must be opcode "
                 + std::to_string(e.opcode) + " of node " + std::to_string(e.node));
        if (!e.forged) return false;
        ++events;
        std::string name = "forged opcode " + std::to_string(e.opcode) + " of node "
                           + std::to_string(e.node) + ": ";
        if (got.stats != e.stats) fail(side, name + "counted as " + std::to_string(got.stats)
                                       + ", must be " + std::to_string(e.stats));
        if (got.new_state != got.old_state) fail(side, name + "the state has changed");
        if (got.delivered) fail(side, name + "delivered");
        int told = got.noticed ? int(got.notice) : -1;
        if (told != e.notice) fail(side, name + "the host is told " + std::to_string(told)
                                   + ", must be " + std::to_string(e.notice));
        int answer = got.frame ? int(got.frame_opcode) : -1;
        if (answer != e.answer) fail(side, name + "answered with " + std::to_string(answer)
                                     + ", must be " + std::to_string(e.answer));
        answers += got.frame;
        for (int bit = 0; bit < 64; ++bit) stats[bit] += e.stats >> bit & 1;
        return true;
    }

    // The tags as they are before this clock's edge.
    void remember(int side) {
        for (int lid = 0; lid < LINKS; ++lid) before_[side][lid] = hit_.engine[side]->tag(lid);
    }

    void compare(int side) {
        for (int lid = 0; lid < LINKS; ++lid)
            if (!same_tag(before_[side][lid], hit_.engine[side]->tag(lid)))
                fail(side, "a forged frame has changed the tag of link " + std::to_string(lid));
    }

    void same_tables() {
        for (int side = 0; side < 2; ++side) {
            auto *h = hit_.engine[side]->top->rootp, *c = clean_.engine[side]->top->rootp;
            if (std::memcmp(&h->TAG_WAY0, &c->TAG_WAY0, sizeof h->TAG_WAY0)
                || std::memcmp(&h->TAG_WAY1, &c->TAG_WAY1, sizeof h->TAG_WAY1)
                || std::memcmp(&h->NEXT_SLOTS, &c->NEXT_SLOTS, sizeof h->NEXT_SLOTS)
                || std::memcmp(&h->KEPT_PLACES, &c->KEPT_PLACES, sizeof h->KEPT_PLACES))
                fail(side, "a bad frame has changed a tag, a list or a kept packet");
        }
    }

    // ---- what is done to the wire from engine d ----------------------------------------------

    void attack(int d) {
        Wire &w = hit_.wire[d];
        if (w.in_frame || !w.foreign.empty() || clean_.wire[d].owed) return;
        if (!forged_) {
            if (w.flip_at < 0 && random_.below(4) == 0) {
                w.flip_at = RESERVED_BITS[next_flip_++ % RESERVED_COUNT];
                ++flipped;
                ++flips[w.flip_at];
            }
        }
        // The answers to forged frames want the wire, too: else they dam up the event queue.
        if (random_.below(16) < (forged_ ? 15 : 4)) return;
        if (waiting_[!d].empty() && !read(!d)) return;
        Record record = waiting_[!d].front();
        waiting_[!d].pop_front();
        inject(d, record);
    }

    bool read(int side) {
        while (waiting_[side].empty()) {
            if (waiting_[!side].size() > 1000) return false;
            Record r;
            if (std::fread(&r.h, sizeof r.h, 1, stdin) != 1) {
                finished_ = waiting_[0].empty() && waiting_[1].empty();
                return false;
            }
            r.bytes.resize(r.h.length);
            if (std::fread(&r.bytes[0], 1, r.h.length, stdin) != r.h.length)
                throw Failure{"standard input ends within a frame"};
            waiting_[r.h.side].push_back(std::move(r));
        }
        return true;
    }

    void inject(int d, Record &r) {
        int side = !d;
        if (r.h.flags & 8) aim(side, r);
        std::deque<Beat> &beats = hit_.wire[d].foreign;
        for (size_t at = 0; at < r.bytes.size(); at += WB) {
            if (r.h.flags & 2)
                for (uint64_t gap = random_.below(3); gap; --gap) beats.push_back(Beat{});
            Beat b;
            size_t n = std::min(size_t(WB), r.bytes.size() - at);
            std::memcpy(b.data, r.bytes.data() + at, n);
            b.keep = keep_of(int(n));
            if (r.h.flags & 4) b.keep = random_.next() & keep_of(WB);
            b.valid = true;
            b.last = at + WB >= r.bytes.size();
            b.error = b.last ? r.h.flags & 1 : random_.below(2);    // counts only with last
            beats.push_back(b);
        }
        clean_.wire[d].owed += beats.size();
        wire_clocks += beats.size();
        ++frames;
        ++categories[r.h.category];
        last_[side] = (last_[side] + " " + CATEGORY_NAMES[r.h.category]);
        if (last_[side].size() > 120) last_[side].erase(0, last_[side].size() - 120);
        if (r.h.cause != 255) {
            causes_[side].push_back({r.h.cause, r.h.category});
            return;
        }
        Expected e = genuine(r.bytes);
        e.forged = true;
        e.stats = r.h.stats;
        e.answer = r.h.answer == 255 ? -1 : r.h.answer;
        e.notice = r.h.notice == 255 ? -1 : r.h.notice;
        expected_[side].push_back(e);
    }

    // Fills in the IDs and the epoch of a link that is open now.
    void aim(int side, Record &r) {
        Tag t;
        if (!hit_.engine[side]->find(NODE[!side], r.h.vc, t)) fail(side, "a link is gone");
        uint32_t una = t.get(TAG_una, 32), received = t.get(TAG_received, 32);
        uint32_t bases[] = {0, una, received, una + uint32_t(t.get(TAG_sent, TAG_sent_bits))};
        uint32_t epochs[] = {0, uint32_t(t.get(TAG_peer_epoch, 16)),
                             uint32_t(t.get(TAG_epoch, 16))};
        auto put = [&](int at, int bytes, uint32_t value) {
            while (bytes--) { r.bytes[at + bytes] = char(value); value >>= 8; }
        };
        if (r.h.epoch_base) put(46, 2, epochs[r.h.epoch_base] + r.h.epoch_plus);
        if (r.h.tx_base) put(52, 4, bases[r.h.tx_base] + r.h.tx_plus);
        if (r.h.rx_base) put(56, 4, bases[r.h.rx_base] + r.h.rx_plus);
    }

    // ---- the end -----------------------------------------------------------------------------

    // Both pairs to the same last packet; then as much as fits is sent to hosts that do not read.
    void finish() {
        draining_ = true;
        drain(20);
        uint32_t before[2] = {hit_.delivered_events(), clean_.delivered_events()};
        extend(2 * RX_SLOTS);
        for (int n = 0; n < STALL_CLOCKS; ++n) step(true);
        capacity[0] = hit_.delivered_events() - before[0];
        capacity[1] = clean_.delivered_events() - before[1];
        // More is no fault: a short packet that its reader has fetched already takes no slot.
        if (capacity[0] < capacity[1])
            throw Failure{"receive slots are missing: a stalled pair takes "
                          + std::to_string(capacity[0]) + " packets, without bad frames "
                          + std::to_string(capacity[1])};
        drain(0);
        for (int side = 0; side < 2; ++side)
            if (!causes_[side].empty() || !expected_[side].empty())
                fail(side, "frames that were never counted");
    }

    void extend(uint32_t more) {
        for (int side = 0; side < 2; ++side)
            for (int vc = 0; vc < VCS; ++vc) {
                Source &h = hit_.source[side][vc], &c = clean_.source[side][vc];
                h.limit = c.limit = std::max(h.number, c.number) + more;
            }
    }

    void drain(uint32_t more) {
        extend(more);
        while (!hit_.idle() || !clean_.idle() || clean_.wire[0].owed || clean_.wire[1].owed)
            step();
        for (int n = 0; n < 200; ++n) step();
    }

    struct Due { int cause, category; };
    bool forged_, armed_ = false, finished_ = false, draining_ = false;
    Random random_;
    Pair hit_, clean_;
    static constexpr size_t OVERTAKEN = 8;
    std::deque<Record> waiting_[2];
    std::deque<Due> causes_[2];
    std::deque<Expected> expected_[2];
    std::string last_[2];
    Tag before_[2][LINKS];
    uint32_t packets_ = 0;
    uint64_t since_ = 0;
    int next_flip_ = 0;
};

}  // namespace ttp::abuse
