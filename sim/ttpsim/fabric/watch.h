// What is looked at in every clock besides the packets: each engine's own words, and a round trip.
#pragma once

#include "switch.h"

namespace ttp::fabric {

// What an engine counts. A network that loses whole frames and does nothing else leaves some
// causes of drop at 0, and no link ends: a `Failure` if it is not so.
class Watch {
public:
    uint64_t stats[64] = {}, queue_full = 0, no_room = 0;

    void add(const Watch &other) {
        for (int n = 0; n < 64; ++n) stats[n] += other.stats[n];
        queue_full += other.queue_full;
        no_room += other.no_room;
    }

    // By the name that it has in docs/reference/registers.md.
    uint64_t stat(const std::string &name) const {
        for (int n = 0; n < LINK_STAT_COUNT; ++n) if (name == LINK_STAT_NAMES[n]) return stats[n];
        throw Failure{"no statistic " + name};
    }

    template <typename Engine>
    void look(int node, const Engine &e) {
        const auto *top = e.top.get();
        if (top->m_notice_tvalid && (top->m_notice_tdata >> 26) != LINK_UP)
            throw Failure{"host " + std::to_string(node) + " is told notice "
                          + std::to_string(top->m_notice_tdata >> 26)
                          + " (docs/reference/registers.md) of a link"};
        queue_full += top->stat_rx_queue_full;
        no_room += top->stat_rx_no_room;
        if (int cause = e.dropped(); cause != -1)
            throw Failure{"host " + std::to_string(node) + " has dropped a frame: "
                          + (cause < 0 ? "two causes" : CAUSE_NAMES[cause])};
        const auto event = e.event();
        if (!event.valid) return;
        for (int n = 0; event.stats >> n; ++n) {
            if (!(event.stats >> n & 1)) continue;
            ++stats[n];
            const std::string name = LINK_STAT_NAMES[n];
            if (name == "drop_stale" || name == "drop_no_link")
                throw Failure{"host " + std::to_string(node) + " has a frame that is of none of "
                              "its links (" + name + "), from host "
                              + std::to_string(event.node - NODE_BASE)};
        }
    }

private:
    static constexpr uint32_t LINK_UP = 0;
};

// From the first beat of a host's first PAYLOAD to the last one of the first ACK after it.
class FirstRoundTrip {
public:
    uint64_t clocks = 0;                // 0: it has had no ACK

    void clock(const Beat &goes, const Beat &came, uint64_t now) {
        if (clocks) return;
        if (out_.follow(goes, now) == PAYLOAD_OPCODE && !since_) since_ = out_.since;
        if (in_.follow(came, now) == ACK_OPCODE && since_ && came.last) clocks = now - since_;
    }

private:
    // The frame that is on a wire.
    struct Wire {
        int at = 0, opcode = -1;
        uint64_t since = 0;
        // The frame's opcode, -1 as long as it has not come.
        int follow(const Beat &b, uint64_t clock) {
            if (!b.valid) return -1;
            if (!at) { since = clock; opcode = -1; }
            if (OPCODE_AT >= at && OPCODE_AT < at + WB) opcode = b.data[OPCODE_AT - at];
            at = b.last ? 0 : at + WB;
            return opcode;
        }
    };
    Wire out_, in_;
    uint64_t since_ = 0;
};

}  // namespace ttp::fabric
