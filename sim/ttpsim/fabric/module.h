// Tesla's module as a sender of an incast: stop and wait, epoch 0 (protocol section 10).
//
// It opens one link, DATA to host 0, has one PAYLOAD under way and waits for the ACK of exactly
// that ID. It has no data to receive and never closes. What the section says of its user, of its
// table and of its own receiving has no place here.
#pragma once

#include "node.h"

namespace ttp::fabric {

// A frame of the module's, and what of one that it gets it looks at.
struct ModuleFrame {
    static constexpr int HEADER = 60;
    static constexpr uint8_t OUI[3] = {0x98, 0xED, 0x5C};

    static std::vector<uint8_t> pack(uint32_t from, uint32_t to, int opcode, uint32_t tx_id,
                                     uint32_t rx_id, const std::vector<uint8_t> &payload) {
        std::vector<uint8_t> f(HEADER);
        auto put = [&](int at, uint64_t value, int bytes) {
            for (int n = 0; n < bytes; ++n) f[at + n] = uint8_t(value >> 8 * (bytes - 1 - n));
        };
        for (int at : {0, 6}) std::copy(OUI, OUI + 3, &f[at]);
        for (auto [at, node] : {std::pair(3, to), {9, from}, {34, from}, {37, to}})
            put(at, node, 3);
        put(12, 0x9AC6, 2);
        put(14, 0x05, 1);
        put(16, payload.size() + 46, 2);
        put(40, payload.size() + 26, 2);
        put(OPCODE_AT, opcode, 1);
        put(VC_AT, DATA, 1);
        put(TX_ID_AT, tx_id, 4);
        put(RX_ID_AT, rx_id, 4);
        f.insert(f.end(), payload.begin(), payload.end());
        f.resize(std::max<size_t>(f.size(), 64));
        return f;
    }
    static uint32_t rx_id(const std::vector<uint8_t> &f) {
        return uint32_t(f[RX_ID_AT]) << 24 | f[RX_ID_AT + 1] << 16 | f[RX_ID_AT + 2] << 8
               | f[RX_ID_AT + 3];
    }
    static constexpr int RX_ID_AT = 56;
};

class Module {
public:
    // It has nothing to send before the clock `begins`.
    Module(Host &host, uint64_t begins, uint64_t payload_timer)
        : host_(host), begins_(begins), payload_timer_(payload_timer),
          open_timer_(payload_timer * 2 / 3) {}

    // What comes in this clock, and what goes out.
    Beat clock(const Beat &came, uint64_t clock) {
        hear(came, clock);
        act(clock);
        return speak();
    }
    bool idle() const { return !out_ && sending_.empty(); }
    void state(Archive &a) {
        a & state_ & acked_ & due_ & out_ & payload_ & heard_ & sending_ & at_;
    }

private:
    enum Opcode { OPEN, OPEN_ACK, OPEN_NACK, NACK = 8, NACK_FULL, NACK_NOLINK };
    enum State { CLOSED, OPEN_SENT, OPENED };
    static constexpr uint64_t NEVER = ~0ull;

    void hear(const Beat &b, uint64_t clock) {
        if (!b.valid) return;
        heard_.insert(heard_.end(), b.data, b.data + bytes_of(b.keep));
        if (!b.last) return;
        std::vector<uint8_t> frame;
        frame.swap(heard_);
        if (frame[VC_AT] == DATA) received(frame[OPCODE_AT], ModuleFrame::rx_id(frame), clock);
    }

    void received(int opcode, uint32_t rx_id, uint64_t clock) {
        if (opcode == OPEN_ACK && state_ == OPEN_SENT && rx_id == acked_) {
            state_ = OPENED;
            due_ = NEVER;
            if (out_) payload(clock);           // what was out goes out again
        } else if (opcode == NACK_NOLINK && state_ == OPENED) {
            open(clock);
        } else if (opcode == OPEN_NACK) {
            throw Failure{"module " + std::to_string(host_.self) + " is refused its link"};
        } else if (opcode == ACK_OPCODE && out_ && state_ == OPENED && rx_id == acked_ + 1) {
            ++acked_;
            out_ = false;
            due_ = NEVER;
        } else if ((opcode == ACK_OPCODE || opcode == NACK) && out_ && state_ == OPENED) {
            payload(clock);                     // an ID that it does not wait for: at once, again
        }                                       // NACK_FULL is ignored
    }

    void act(uint64_t clock) {
        if (clock >= due_) state_ == OPEN_SENT ? open(clock) : payload(clock);
        if (out_ || clock < begins_ || !host_.take(DATA, payload_, clock)) return;
        out_ = true;
        if (state_ == CLOSED) open(clock);
        else if (state_ == OPENED) payload(clock);
    }

    void open(uint64_t clock) {
        state_ = OPEN_SENT;
        due_ = clock + open_timer_;
        send(OPEN, acked_, START_ID, {});
    }
    void payload(uint64_t clock) {
        due_ = clock + payload_timer_;
        send(PAYLOAD_OPCODE, acked_ + 1, 0, payload_);
    }
    void send(int opcode, uint32_t tx_id, uint32_t rx_id, const std::vector<uint8_t> &data) {
        sending_.push_back(ModuleFrame::pack(NODE_BASE + host_.self, NODE_BASE, opcode, tx_id,
                                             rx_id, data));
    }
    Beat speak() {
        Beat b;
        if (sending_.empty()) return b;
        const std::vector<uint8_t> &frame = sending_.front();
        const int n = std::min<int>(WB, frame.size() - at_);
        std::copy_n(&frame[at_], n, b.data);
        b.keep = keep_of(n);
        b.valid = true;
        at_ += n;
        b.last = at_ == int(frame.size());
        if (b.last) sending_.pop_front(), at_ = 0;
        return b;
    }

    static constexpr uint32_t START_ID = 1;
    Host &host_;
    const uint64_t begins_, payload_timer_, open_timer_;         // 375 and 250 ms
    State state_ = CLOSED;
    uint32_t acked_ = START_ID;
    uint64_t due_ = NEVER;
    bool out_ = false;                                  // `payload_` is not acknowledged
    std::vector<uint8_t> payload_, heard_;
    std::deque<std::vector<uint8_t>> sending_;
    int at_ = 0;                                        // of the first of them
};

}  // namespace ttp::fabric
