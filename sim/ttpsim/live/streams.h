// AXI4-Stream ports of the Verilated NIC as queues of whole packets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>

#include "live_ports.h"     // generated: LIVE_BYTES, LIVE_STATS

using Bytes = std::string;

// The pins of one stream; `ready` is null where the NIC has none.
struct Pins {
    void *data, *keep;
    size_t keep_bytes;
    uint8_t *last, *valid, *ready;
};

#define PINS(top, name, ready_pin) Pins{ \
    &(top).name##_tdata, &(top).name##_tkeep, sizeof((top).name##_tkeep), \
    &(top).name##_tlast, &(top).name##_tvalid, ready_pin}

// Packets into the NIC, a beat per clock.
class Source {
public:
    explicit Source(Pins pins) : pins_(pins) {}

    struct Packet {
        Bytes bytes;
        uint32_t dest = 0;
        bool taken = false;     // its first beat has gone
    };
    std::deque<Packet> packets;

    // What the NIC sees in the coming clock.
    void present() {
        *pins_.valid = !packets.empty();
        if (packets.empty()) return;
        const Bytes &bytes = packets.front().bytes;
        size_t size = std::min<size_t>(LIVE_BYTES, bytes.size() - at_);
        uint8_t beat[LIVE_BYTES] = {};
        std::memcpy(beat, bytes.data() + at_, size);
        std::memcpy(pins_.data, beat, LIVE_BYTES);
        uint64_t keep = size == 64 ? ~uint64_t(0) : (uint64_t(1) << size) - 1;
        std::memcpy(pins_.keep, &keep, pins_.keep_bytes);
        *pins_.last = at_ + size == bytes.size();
    }
    // A beat goes with the coming edge.
    bool moves() const { return *pins_.valid && (!pins_.ready || *pins_.ready); }
    // It went; true with the last one of a packet.
    bool advance() {
        packets.front().taken = true;
        at_ += LIVE_BYTES;
        if (at_ < packets.front().bytes.size()) return false;
        packets.pop_front();
        at_ = 0;
        return true;
    }

private:
    Pins pins_;
    size_t at_ = 0;
};

// Packets out of the NIC.
class Sink {
public:
    explicit Sink(Pins pins) : pins_(pins) {}

    void allow(bool ready) { *pins_.ready = ready; }
    bool moves() const { return *pins_.valid && *pins_.ready; }
    // Takes the beat; true with the last one: the packet is in `packet` until the next beat.
    bool collect() {
        if (begins_) packet.clear();
        uint64_t keep = 0;
        std::memcpy(&keep, pins_.keep, pins_.keep_bytes);
        packet.append(static_cast<const char *>(pins_.data), __builtin_popcountll(keep));
        return begins_ = *pins_.last;
    }
    Bytes packet;

private:
    Pins pins_;
    bool begins_ = true;
};
