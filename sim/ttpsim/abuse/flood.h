// OPENs from thousands of nodes, while two engines carry data beside them.
//
// Engine a gets one OPEN from every node of standard input, between b's frames. Half of the nodes
// answer a CLOSE, the others never say a word again. A second pair has the same traffic and no
// flood. The links to b must stay OPEN throughout, every OPEN must be answered as the link table
// asks for, and when it is over nothing may be left of it.
#pragma once

#include <algorithm>
#include <map>

#include "frames.h"
#include "json.h"

namespace ttp::abuse {

class Flood {
public:
    explicit Flood(uint64_t seed) : random_(mix(seed)), hit_(seed), clean_(seed) {
        for (Pair *pair : {&hit_, &clean_})
            for (auto &engine : pair->engine) {
                engine->top->cfg_max_retry = engine->top->cfg_idle_limit = 2;
                engine->top->cfg_timer_tick = TICK;
            }
        // DATA alone: the others have pauses, and an idle link may be a victim (L5).
        for (Pair *pair : {&hit_, &clean_})
            for (auto &side : pair->source) side[0].limit = side[1].limit = 0;
    }

    template <typename Told>
    bool run(Told progress) {
        try {
            hit_.start();
            clean_.start();
            while (!established() || hit_.clock < 3000) step();
            uint32_t before[2] = {hit_.packets(), clean_.packets()};
            uint64_t since = hit_.clock;
            flooding_ = true;
            while (flooding_ || !hit_.wire[1].foreign.empty()) { step(); progress(*this); }
            clocks = hit_.clock - since;
            packets[0] = hit_.packets() - before[0];
            packets[1] = clean_.packets() - before[1];
            most_links = strangers();
            forget(progress);
            newcomers();
            forget(progress);
            finish();
        } catch (const Failure &error) {
            failure = "clock " + std::to_string(hit_.clock) + ", after " + std::to_string(opens)
                      + " OPENs: " + error.text;
        }
        return failure.empty();
    }

    void write(Json &json) const {
        auto number = [&](const char *name, auto value) { json.put(name, value); };
        number("opens", opens);
        number("opened", answered_[1]);
        number("refused", answered_[2]);
        number("closed_as_victims", victims);
        number("most_links_of_strangers", most_links);
        number("dropped_at_full_event_queue", queue_full);
        number("clocks", clocks);
        number("packets", packets[0]);
        number("packets_without_flood", packets[1]);
        number("wire_share_of_flood", double(flood_beats) / std::max<uint64_t>(clocks, 1));
        number("wire_share_of_answers", double(answer_beats) / std::max<uint64_t>(clocks, 1));
        number("forgotten_after_clocks", forgotten);
        number("newcomers", newcomers_);
        number("stalled_takes", capacity_[0]);
        number("stalled_takes_clean", capacity_[1]);
    }

    std::string failure;
    uint64_t opens = 0, victims = 0, queue_full = 0, clocks = 0, flood_beats = 0, answer_beats = 0,
             forgotten = 0;
    int most_links = 0;         // of strangers, as the flood ends
    uint32_t packets[2] = {};
    const Pair &hit() const { return hit_; }

private:
    static constexpr uint32_t CLOSED = 0, OPEN_RECD = 2, OPEN = 3, CLOSE_SENT = 4;
    static constexpr uint32_t RX_OPEN = 0, VICTIM = 17, DATA = 2;
    // A round of the link timer is longer than any round trip here; idle close and retries take
    // eight of them.
    static constexpr uint64_t TICK = LINKS < 256 ? 2048 / LINKS : 8, PATIENCE = 20 * TICK * LINKS;
    struct Caller { uint32_t vc, epoch, tx_id; bool polite; };

    // ---- one clock ---------------------------------------------------------------------------

    void step(bool stalled = false) {
        Wire &wire = hit_.wire[1];
        if (!wire.in_frame && wire.foreign.empty()) {
            if (!courtesies_.empty()) {
                send(courtesies_.front());
                courtesies_.pop_front();
            } else if (flooding_ && random_.below(2)) {
                call();
            }
        }
        flood_beats += flooding_ && !wire.in_frame && !wire.foreign.empty();
        hit_.first(stalled);
        clean_.first(stalled);
        check(0);
        check(1);
        hit_.second();
        clean_.second();
        for (auto &frame : hit_.crossed[0]) answer(frame);
        for (auto &crossed : hit_.crossed) crossed.clear();
        for (auto &crossed : clean_.crossed) crossed.clear();
        if (hit_.packets() != packets_ || stalled || hit_.idle()) {
            packets_ = hit_.packets();
            since_ = hit_.clock;
        } else if (hit_.clock - since_ > 200'000) {
            throw Failure{"no packet has arrived for 200,000 clocks"};
        }
    }

    void send(const std::string &bytes) {
        for (size_t at = 0; at < bytes.size(); at += WB) {
            Beat b;
            std::memcpy(b.data, bytes.data() + at, WB);     // 64 bytes: whole beats
            b.keep = keep_of(WB);
            b.valid = true;
            b.last = at + WB == bytes.size();
            hit_.wire[1].foreign.push_back(b);
        }
    }

    // The next node of standard input sends its OPEN.
    void call() {
        Record r;
        if (std::fread(&r.h, sizeof r.h, 1, stdin) != 1) { flooding_ = false; return; }
        r.bytes.resize(r.h.length);
        if (std::fread(&r.bytes[0], 1, r.h.length, stdin) != r.h.length || r.h.length != 64)
            throw Failure{"standard input is no list of OPENs"};
        if (r.h.flags) { newcomer_frames_.push_back(r.bytes); return; }
        open(r.bytes);
    }

    void open(const std::string &bytes) {
        Expected e = genuine(bytes);
        callers_[e.node] = {e.vc, e.epoch, e.tx_id, (mix(e.node) & 1) != 0};
        ++opens;
        send(bytes);
    }

    // ---- what engine a and b do ----------------------------------------------------------------

    void check(int side) {
        Engine &e = *hit_.engine[side];
        Event got = e.event();
        if (side == 0) queue_full += e.top->stat_rx_queue_full;
        if (!got.valid) return;
        int row = row_of(got.node, got.vc), used = side ? 0 : links_[row];
        if (side == 0) links_[row] += (got.new_state != CLOSED) - (got.old_state != CLOSED);
        auto fail = [&](const std::string &what) {
            throw Failure{"engine " + std::string(1, "ab"[side]) + ": " + what};
        };
        if (got.node == NODE[!side]) {
            if (flooding_ && got.new_state != OPEN)
                fail("the link that carries data is in state " + std::to_string(got.new_state)
                     + " after event " + std::to_string(got.event));
            if (flooding_ && got.noticed) fail("the host is told of the link that carries data");
            return;
        }
        if (side == 1) return;
        if (got.event == VICTIM && got.new_state == CLOSE_SENT) ++victims;
        if (got.frame && (got.frame_opcode == 1 || got.frame_opcode == 2)) ++due_;
        if (got.event != RX_OPEN) return;
        if (got.old_state != CLOSED) fail("a node that never was here has a link");
        bool room = used < 2;
        uint32_t opcode = room ? 1 : 2, state = room ? OPEN_RECD : CLOSED;
        if (!got.frame || got.frame_opcode != opcode || got.new_state != state)
            fail(std::string("an OPEN ") + (room ? "with" : "without") + " a free way: answer "
                 + (got.frame ? std::to_string(got.frame_opcode) : "none") + ", state "
                 + std::to_string(got.new_state));
        ++answered_[opcode];
    }

    // A frame of a's: to a stranger it must be the answer that it waits for.
    void answer(const std::string &frame) {
        const uint8_t *f = reinterpret_cast<const uint8_t *>(frame.data());
        uint32_t node = big_endian(f + 3, 3);
        if (node == NODE[1]) return;
        answer_beats += flooding_ * (frame.size() / WB);
        Expected e = genuine(frame);
        auto found = callers_.find(node);
        if (found == callers_.end()) throw Failure{"a frame to a node that never spoke"};
        const Caller &caller = found->second;
        bool right = e.vc == caller.vc && (
            e.opcode == 1 ? e.rx_id == caller.tx_id && e.epoch
            : e.opcode == 2 ? e.rx_id == caller.tx_id && e.epoch == caller.epoch
            : e.opcode == 3 ? e.rx_id == caller.tx_id : false);
        if (!right) throw Failure{"a stranger is sent opcode " + std::to_string(e.opcode)
                                  + " with other fields than it must have"};
        if (e.opcode < 3) ++seen_;
        if (e.opcode != 3 || !caller.polite) return;
        std::string reply = frame;      // CLOSE_ACK: RxID is the CLOSE's TxID, epoch as it stands
        std::swap_ranges(reply.begin(), reply.begin() + 6, reply.begin() + 6);
        reply[42] = 4;
        std::copy(frame.begin() + 52, frame.begin() + 56, reply.begin() + 56);
        std::fill(reply.begin() + 52, reply.begin() + 56, 0);
        courtesies_.push_back(reply);
    }

    // Section 5.1: Tesla's hash of the MAC, folded to the number of sets.
    static int row_of(uint32_t node, uint32_t vc) {
        uint32_t reversed = 0, hash, index = 0;
        for (int bit = 0; bit < 8; ++bit) reversed |= (node >> (8 + bit) & 1) << (7 - bit);
        hash = (node ^ reversed ^ node >> 16) & 0xFF;
        for (; hash; hash >>= SET_BITS) index ^= hash & (SETS - 1);
        return VC_TABLES == 3 ? int(vc * SETS + index) : int((index ^ vc) & (SETS - 1));
    }

    // ---- before and after ----------------------------------------------------------------------

    bool established() const {
        Tag t;
        for (int side = 0; side < 2; ++side)
            if (!hit_.engine[side]->find(NODE[!side], DATA, t) || t.state() != OPEN) return false;
        return true;
    }

    int strangers() const {
        int count = 0;
        for (int lid = 0; lid < LINKS; ++lid) {
            Tag t = hit_.engine[0]->tag(lid);
            count += t.state() && t.get(TAG_node, 24) != NODE[1];
        }
        return count;
    }

    // The links of the strangers end by themselves: idle, CLOSE, and no answer.
    template <typename Told>
    void forget(Told progress) {
        uint64_t since = hit_.clock;
        for (int links = 1; links; ) {
            for (int n = 0; n < 256; ++n) step();
            progress(*this);
            links = strangers();
            if (hit_.clock - since > PATIENCE)
                throw Failure{std::to_string(links) + " links of strangers never end"};
        }
        forgotten = std::max(forgotten, hit_.clock - since);
        if (!established()) throw Failure{"a link that carries data is gone"};
    }

    // Later nodes, one after the other where there is a free way: each gets its link.
    void newcomers() {
        for (auto &frame : newcomer_frames_) {
            Expected e = genuine(frame);
            int row = row_of(e.node, e.vc);
            if (hit_.engine[0]->tag(2 * row).state() && hit_.engine[0]->tag(2 * row + 1).state())
                continue;
            while (hit_.wire[1].in_frame || !hit_.wire[1].foreign.empty()) step();
            open(frame);
            Tag t;
            uint64_t since = hit_.clock;
            while (!hit_.engine[0]->find(e.node, e.vc, t) || t.state() != OPEN) {
                step();
                if (hit_.clock - since > 20'000) throw Failure{"a newcomer cannot open"};
            }
            ++newcomers_;
        }
    }

    void finish() {
        if (opens > answered_[1] + answered_[2] + queue_full)
            throw Failure{"OPENs without an answer"};
        // A reader that stalls for many rounds is no dead peer.
        for (Pair *pair : {&hit_, &clean_})
            for (auto &engine : pair->engine)
                engine->top->cfg_max_retry = engine->top->cfg_idle_limit = 0;
        drain(20);
        if (due_ != seen_) throw Failure{std::to_string(due_) + " answers are due, on the wire are "
                                         + std::to_string(seen_)};
        uint32_t before[2] = {hit_.delivered_events(), clean_.delivered_events()};
        extend(2 * RX_SLOTS);
        for (int n = 0; n < STALL_CLOCKS; ++n) step(true);
        capacity_[0] = hit_.delivered_events() - before[0];
        capacity_[1] = clean_.delivered_events() - before[1];
        if (capacity_[0] != capacity_[1])
            throw Failure{"receive slots are missing: a stalled pair takes "
                          + std::to_string(capacity_[0]) + " packets, without flood "
                          + std::to_string(capacity_[1])};
        drain(0);
    }

    void extend(uint32_t more) {
        for (int side = 0; side < 2; ++side)
            for (int vc = 0; vc < VCS; ++vc) {
                Source &h = hit_.source[side][vc], &c = clean_.source[side][vc];
                h.limit = c.limit = std::max(h.number, c.number) + more;
            }
    }

    // All that was sent has arrived and every replay slot is free.
    void drain(uint32_t more) {
        extend(more);
        while (!hit_.idle() || !clean_.idle()) step();
    }

    Random random_;
    Pair hit_, clean_;
    bool flooding_ = false;
    std::map<uint32_t, Caller> callers_;
    std::deque<std::string> courtesies_, newcomer_frames_;
    int links_[VC_TABLES * SETS] = {};      // of each row of a's table, by the records
    uint64_t answered_[3] = {}, due_ = 0, seen_ = 0, newcomers_ = 0;
    uint32_t capacity_[2] = {}, packets_ = 0;
    uint64_t since_ = 0;
};

}  // namespace ttp::abuse
