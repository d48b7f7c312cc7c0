// The wires to and from a MAC, byte by byte, as IEEE 802.3 has them; nothing of it is the hardware's.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

#include "mac_ports.h"          // generated: sim/ttpsim/native/mac_side.py
#include "random.h"

namespace ttp::lengths {

constexpr uint8_t PREAMBLE = 0x55, SFD = 0xD5, IDLE_CHAR = 0x07, START = 0xFB, TERMINATE = 0xFD;
constexpr size_t SHORTEST = 60;

[[noreturn]] inline void wrong(const char *format, ...) {
    va_list values;
    va_start(values, format);
    std::vprintf(format, values);
    std::printf("\n");
    std::exit(1);
}

// CRC-32 of IEEE 802.3, 3.2.9, bit by bit for the table.
inline uint32_t fcs_of(const std::vector<uint8_t> &octets) {
    static const auto table = [] {
        std::vector<uint32_t> made(256);
        for (uint32_t n = 0; n < 256; ++n) {
            made[n] = n;
            for (int bit = 0; bit < 8; ++bit)
                made[n] = made[n] >> 1 ^ (made[n] & 1 ? 0xEDB88320u : 0);
        }
        return made;
    }();
    uint32_t crc = 0xFFFFFFFF;
    for (uint8_t octet : octets) crc = crc >> 8 ^ table[(crc ^ octet) & 0xFF];
    return ~crc;
}

// No two alike but for the shortest, and none that is MAC control.
inline std::vector<uint8_t> frame_of(uint64_t seed, uint64_t number, size_t length) {
    Random random(seed, number);
    std::vector<uint8_t> octets(length);
    for (auto &octet : octets) octet = uint8_t(random.next() >> 32);
    if (length > 12) octets[12] = 0x0A;
    return octets;
}

inline std::vector<uint8_t> padded(std::vector<uint8_t> octets) {
    if (octets.size() < SHORTEST) octets.resize(SHORTEST);
    return octets;
}

// ---- the wire to the MAC -----------------------------------------------------------------------

struct Sent {
    std::vector<uint8_t> octets;
    bool runt;
};

class ToMac {
public:
    ToMac(uint64_t seed, size_t first, size_t last, std::vector<int> lanes)
        : seed_(seed), random_(seed, 1), first_(first), last_(last), lanes_(std::move(lanes)),
          length_(first) {}

    bool done() const { return lane_ == lanes_.size() && at_ == wire_.size(); }
    std::deque<Sent> expected;
    uint64_t frames = 0, runts = 0, bytes = 0, started[8] = {};

    // The next byte, at this lane of its word; true if it is a control character or no data.
    bool byte(int lane, uint8_t &value) {
        if (at_ < wire_.size()) {
            value = wire_[at_++];
            bool control = XGMII && (at_ == 1 || at_ == wire_.size());
            if (at_ == wire_.size()) gap_ = XGMII ? 1 : 0;      // /T/ is one of the gap
            return control;
        }
        if (gap_ >= least_ && lane_ < lanes_.size() && (!XGMII || lane == lanes_[lane_])) {
            begin(lane);
            return byte(lane, value);
        }
        ++gap_;
        value = XGMII ? IDLE_CHAR : 0;
        return true;
    }

private:
#ifdef MAC_XGMII
    static constexpr bool XGMII = true;
#else
    static constexpr bool XGMII = false;
#endif

    void begin(int lane) {
        auto octets = frame_of(seed_, frames++, length_);
        bool runt = octets.size() < SHORTEST;
        uint32_t fcs = fcs_of(octets);
        wire_.assign(1, XGMII ? START : PREAMBLE);
        wire_.insert(wire_.end(), 6, PREAMBLE);
        wire_.push_back(SFD);
        wire_.insert(wire_.end(), octets.begin(), octets.end());
        for (int n = 0; n < 4; ++n) wire_.push_back(uint8_t(fcs >> 8 * n));
        if (XGMII) wire_.push_back(TERMINATE);
        at_ = 0;
        bytes += octets.size();
        runts += runt;
        ++started[lane];
        expected.push_back({std::move(octets), runt});
        least_ = (XGMII ? 5 : 12) + int(random_.below(8));
        if (length_++ == last_) {
            length_ = first_;
            ++lane_;
        }
    }

    uint64_t seed_;
    Random random_;
    size_t first_, last_;
    std::vector<int> lanes_;
    size_t length_, lane_ = 0, at_ = 0;
    std::vector<uint8_t> wire_;
    int gap_ = 0, least_ = 12;
};

// ---- the wire from the MAC ---------------------------------------------------------------------

class FromMac {
public:
    std::deque<std::vector<uint8_t>> expected;
    uint64_t frames = 0, bytes = 0, started[8] = {}, ended[8] = {}, gaps[256] = {};

    // Of GMII: TX_EN and TXD of a byte time.
    void gmii(bool enabled, bool error, uint8_t value) {
        if (error) wrong("TX_ER while frame %llu is sent", (unsigned long long)frames);
        if (enabled && !busy_) begin(0);
        if (enabled) octets_.push_back(value);
        if (!enabled && busy_) end(0, {PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE,
                                       PREAMBLE, SFD});
        if (!enabled && gap_ < 255) ++gap_;
    }

    // A lane of XGMII.
    void xgmii(int lane, bool control, uint8_t value) {
        if (busy_ && !control) { octets_.push_back(value); return; }
        if (busy_) {
            if (value != TERMINATE)
                wrong("frame %llu ends with 0x%02X", (unsigned long long)frames, value);
            end(lane, {PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, SFD});
            gap_ = 1;
            return;
        }
        if (!control) wrong("data outside a frame in lane %d", lane);
        if (value == START) {
            if (lane % 4) wrong("/S/ in lane %d", lane);
            begin(lane);
            return;
        }
        if (value != IDLE_CHAR) wrong("0x%02X between frames", value);
        if (gap_ < 255) ++gap_;
    }

private:
    void begin(int lane) {
        busy_ = true;
        octets_.clear();
        ++started[lane];
        if (frames) ++gaps[gap_];
        gap_ = 0;
    }

    void end(int lane, const std::vector<uint8_t> &head) {
        busy_ = false;
        unsigned long long number = frames++;
        if (expected.empty()) wrong("frame %llu was not given", number);
        auto wanted = expected.front();
        expected.pop_front();
        size_t length = wanted.size();
        bytes += length;
        ++ended[lane];
        auto octets = padded(wanted);
        uint32_t fcs = fcs_of(octets);
        for (int n = 0; n < 4; ++n) octets.push_back(uint8_t(fcs >> 8 * n));
        octets.insert(octets.begin(), head.begin(), head.end());
        if (octets != octets_) wrong("sent: %zu bytes are not as they were given", length);
    }

    bool busy_ = false;
    int gap_ = 0;
    std::vector<uint8_t> octets_;
};

}  // namespace ttp::lengths
