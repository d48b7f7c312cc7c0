// Two engines, their hosts, and the wires between them, which a frame of nobody may use, too.
#pragma once

#include <deque>

#include "hosts.h"

// What must become of a received frame's event.
struct Expected {
    uint32_t opcode = 0, node = 0, vc = 0, epoch = 0, tx_id = 0, rx_id = 0;
    bool forged = false;
    uint64_t stats = 0;         // of a forged one: exactly these statistics of the link
    int answer = -1;            // the opcode of its answer
};

inline uint32_t big_endian(const uint8_t *at, int bytes) {
    uint32_t value = 0;
    while (bytes--) value = value << 8 | *at++;
    return value;
}

inline Expected genuine(const std::string &frame) {
    const uint8_t *f = reinterpret_cast<const uint8_t *>(frame.data());
    Expected e;
    e.opcode = f[42] & 0x3F;
    e.node = big_endian(f + 9, 3);
    e.vc = f[43];
    e.epoch = big_endian(f + 46, 2);
    e.tx_id = big_endian(f + 52, 4);
    e.rx_id = big_endian(f + 56, 4);
    return e;
}

// One direction: from engine `d` to the other one. A clock of delay.
struct Wire {
    bool in_frame = false;      // a genuine frame is under way
    std::string frame;          // its bytes so far
    std::deque<Beat> foreign;   // beats that are put between the frames
    uint64_t owed = 0;          // clocks that the wire is to be kept idle between frames
    Beat next;                  // what the receiver sees in the next clock
    int flip_at = -1;           // header bit to be inverted in the frame under way
    bool blocked = false;       // in this clock the sender waits
};

class Pair {
public:
    Pair(uint64_t seed) : seed(seed) {
        for (int side = 0; side < 2; ++side) {
            engine[side] = std::make_unique<Engine>(side, seed + side, OPEN_ID_SEED[side]);
            for (int vc = 0; vc < VCS; ++vc) {
                // Flow 0 to 2 goes from a to b, 3 to 5 back.
                source[side][vc] = {seed, side * VCS + vc};
                sink[!side][vc] = {seed, side * VCS + vc};
            }
        }
    }

    // Both in reset for `clocks`; then, if told so, until both are ready.
    void start(int clocks = 4, bool wait = true) {
        for (int side = 0; side < 2; ++side) engine[side]->top->rst = 1;
        quiet(clocks);
        for (int side = 0; side < 2; ++side) engine[side]->top->rst = 0;
        while (wait && (!engine[0]->top->ready || !engine[1]->top->ready)) quiet(1);
    }

    // The first half of a clock: inputs are driven, outputs hold. Then `second`.
    void first(bool stalled = false) {
        for (int side = 0; side < 2; ++side) {
            Wire &out = wire[side];
            out.blocked = !out.in_frame && (!out.foreign.empty() || out.owed);
            Engine &e = *engine[side];
            e.rx(wire[!side].next);
            e.top->m_mac_tx_tready = !out.blocked;
            for (int vc = 0; vc < VCS; ++vc) {
                e.host_in(vc, source[side][vc].beat(), NODE[!side]);
                e.host_ready(vc, !stalled);
            }
            e.low();
        }
    }

    void second() {
        for (int side = 0; side < 2; ++side) {
            Engine &e = *engine[side];
            delivered_ += e.top->trace_valid && e.top->trace_delivered && !e.top->rst;
            for (int vc = 0; vc < VCS; ++vc) {
                if (e.host_taken(vc) && !e.top->rst) taken_[side][vc] = true;
                Beat b = e.host_out(vc);
                if (b.valid && e.host_ready(vc) && !e.top->rst) sink[side][vc].taken(b);
            }
            carry(side);
        }
        for (int side = 0; side < 2; ++side) {
            engine[side]->high();
            for (int vc = 0; vc < VCS; ++vc) {
                if (taken_[side][vc]) source[side][vc].taken();
                taken_[side][vc] = false;
            }
        }
        ++clock;
    }

    bool idle(bool hosts = true) const {
        for (int side = 0; side < 2; ++side) {
            if (engine[side]->top->free_slots != SLOTS || wire[side].in_frame
                || !wire[side].foreign.empty()) return false;
            for (int vc = 0; hosts && vc < VCS; ++vc)
                if (sink[!side][vc].next != source[side][vc].number || source[side][vc].valid())
                    return false;
        }
        return true;
    }

    uint32_t packets() const {
        uint32_t sum = 0;
        for (auto &side : sink) for (auto &one : side) sum += one.packets;
        return sum;
    }

    uint64_t seed, clock = 0;
    std::unique_ptr<Engine> engine[2];
    Source source[2][VCS];
    Sink sink[2][VCS];
    Wire wire[2];
    // A genuine frame has gone over: filled by `carry`, emptied by who wants to know.
    std::deque<std::string> crossed[2];
    uint64_t frames = 0;
    uint32_t delivered_events() const { return delivered_; }

private:
    void quiet(int clocks) {
        for (int n = 0; n < clocks; ++n)
            for (int side = 0; side < 2; ++side) {
                Engine &e = *engine[side];
                e.rx(Beat{});
                for (int vc = 0; vc < VCS; ++vc) {
                    Source none = source[side][vc];
                    none.limit = 0;
                    e.host_in(vc, none.beat(), NODE[!side]);
                    e.host_ready(vc, true);
                }
                e.top->m_mac_tx_tready = 1;
                e.low();
                e.high();
            }
    }

    void carry(int side) {
        Wire &w = wire[side];
        w.next = Beat{};
        if (w.blocked) {
            if (!w.foreign.empty()) {
                w.next = w.foreign.front();
                w.foreign.pop_front();
            } else {
                --w.owed;
            }
            return;
        }
        Beat b = engine[side]->tx();
        if (!b.valid || engine[side]->top->rst) return;
        for (int lane = 0; lane < WB && (b.keep >> lane & 1); ++lane) w.frame += char(b.data[lane]);
        if (w.flip_at >= 0) {
            int at = w.flip_at / 8 - (int(w.frame.size()) - __builtin_popcountll(b.keep));
            // In an OPEN or OPEN_ACK the extension byte means something.
            bool open = w.flip_at / 8 == 51 && w.frame.size() > 51 && uint8_t(w.frame[42]) < 2;
            if (at >= 0 && at < WB && !open) b.data[at] ^= 1 << w.flip_at % 8;
        }
        w.next = b;
        w.in_frame = !b.last;
        if (b.last) {
            crossed[side].push_back(w.frame);
            w.frame.clear();
            w.flip_at = -1;
            ++frames;
        }
    }

    bool taken_[2][VCS] = {};
    uint32_t delivered_ = 0;
};
