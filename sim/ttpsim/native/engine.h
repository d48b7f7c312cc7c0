// One engine and its ports: what native runs with engines of their own hosts are made of.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine_model.h"       // generated: sim/ttpsim/native/engine_ports.py
#include "options.h"
#include "random.h"
#include "verilated.h"
#include "wire.h"

// A name of its own for each model: a program may have engines of several configurations.
namespace ttp { inline namespace TTP_MODEL {

inline constexpr uint32_t NODE[2] = {0x00A5C3, 0x015A0B};
// Far apart also in the upper half, where the epochs start: no epoch is both sides'.
inline constexpr uint32_t OPEN_ID_SEED[2] = {0x01234567, 0x61235567};

inline bool selective = true, congestion = true;    // what the engines are told to offer

// ---- the engine --------------------------------------------------------------------------------

// A record of the trace, with the statistics of the link pulsed in its clock.
struct Event {
    bool valid = false;
    uint32_t event = 0, node = 0, vc = 0, old_state = 0, new_state = 0, epoch = 0, tx_id = 0,
             rx_id = 0, delivered = 0, frame = 0, frame_opcode = 0, noticed = 0, notice = 0;
    uint64_t stats = 0;
};

struct Tag {
    uint32_t words[TAG_WORDS];
    uint64_t get(int offset, int width) const {
        uint64_t value = 0;
        for (int bit = 0; bit < width; ++bit)
            value |= uint64_t(words[(offset + bit) / 32] >> (offset + bit) % 32 & 1) << bit;
        return value;
    }
    uint32_t state() const { return get(TAG_state, 3); }
};

// What goes in and out at the ports of a model, or of one lane of many (`lanes.h`).
template <typename Top>
class Ports {
public:
    void rx(const Beat &b) {
        std::memcpy(&top->s_mac_rx_tdata, b.data, WB);
        std::memcpy(&top->s_mac_rx_tkeep, &b.keep, (WB + 7) / 8);
        top->s_mac_rx_tvalid = b.valid;
        top->s_mac_rx_tlast = b.last;
        top->s_mac_rx_tuser = b.error;
    }
    Beat tx() const {
        Beat b;
        b.valid = top->m_mac_tx_tvalid;
        std::memcpy(b.data, &top->m_mac_tx_tdata, WB);
        std::memcpy(&b.keep, &top->m_mac_tx_tkeep, (WB + 7) / 8);
        b.last = top->m_mac_tx_tlast;
        return b;
    }
    // What a host offers on one VC in this clock; `beat.valid` if anything.
    void host_in(int vc, const Beat &b, uint32_t peer) {
#define IN(n) case n: std::memcpy(&top->s_host_tx##n##_tdata, b.data, WB); \
        std::memcpy(&top->s_host_tx##n##_tkeep, &b.keep, (WB + 7) / 8); \
        top->s_host_tx##n##_tlast = b.last; top->s_host_tx##n##_tvalid = b.valid; \
        top->s_host_tx##n##_tdest = peer; break;
        switch (vc) { IN(0) IN(1) IN(2) }
#undef IN
    }
    bool host_taken(int vc) const {
        return vc == 0 ? top->s_host_tx0_tready && top->s_host_tx0_tvalid
             : vc == 1 ? top->s_host_tx1_tready && top->s_host_tx1_tvalid
                       : top->s_host_tx2_tready && top->s_host_tx2_tvalid;
    }
    void host_ready(int vc, bool ready) {
        (vc == 0 ? top->m_host_rx0_tready : vc == 1 ? top->m_host_rx1_tready
                                                    : top->m_host_rx2_tready) = ready;
    }
    Beat host_out(int vc) const {
        Beat b;
#define OUT(n) case n: b.valid = top->m_host_rx##n##_tvalid; b.last = top->m_host_rx##n##_tlast; \
        std::memcpy(b.data, &top->m_host_rx##n##_tdata, WB); \
        std::memcpy(&b.keep, &top->m_host_rx##n##_tkeep, (WB + 7) / 8); break;
        switch (vc) { OUT(0) OUT(1) OUT(2) }
#undef OUT
        return b;
    }
    // {id[31:0], source node[23:0]} of the packet that is being read.
    uint64_t host_user(int vc) const {
        return vc == 0 ? top->m_host_rx0_tuser : vc == 1 ? top->m_host_rx1_tuser
                                                         : top->m_host_rx2_tuser;
    }
    bool host_ready(int vc) const {
        return vc == 0 ? top->m_host_rx0_tready : vc == 1 ? top->m_host_rx1_tready
                                                          : top->m_host_rx2_tready;
    }
    Event event() const {
        Event e;
        if (!top->trace_valid) return e;
        e.valid = true;
#define GET(name) e.name = top->trace_##name;
        GET(event) GET(node) GET(vc) GET(old_state) GET(new_state) GET(epoch) GET(tx_id)
        GET(rx_id) GET(delivered) GET(frame) GET(frame_opcode) GET(noticed) GET(notice)
#undef GET
        int bit = 0;
#define STAT(name) e.stats |= uint64_t(top->stat_##name) << bit++;
        LINK_STATS(STAT)
#undef STAT
        return e;
    }
    // Number of the drop cause that is counted in this clock, -1: none, -2: more than one.
    int dropped() const {
        int found = -1, number = 0;
#define CAUSE(name) if (top->stat_rx_##name) found = found == -1 ? number : -2; ++number;
        DROP_CAUSES(CAUSE)
#undef CAUSE
        return found;
    }
    Tag tag(int lid) const {
        Tag t;
        const auto &way = lid & 1 ? top->rootp->TAG_WAY1 : top->rootp->TAG_WAY0;
        std::memcpy(t.words, &way[lid >> 1], sizeof t.words);
        return t;
    }
    // The link to (node, vc); false if it is not in the table.
    bool find(uint32_t node, uint32_t vc, Tag &t) const {
        for (int lid = 0; lid < LINKS; ++lid) {
            t = tag(lid);
            if (t.state() && t.get(TAG_node, 24) == node && t.get(TAG_vc, 2) == vc) return true;
        }
        return false;
    }
    std::unique_ptr<Top> top;
};

class Engine : public Ports<Vengine> {
public:
    Engine(int side, uint64_t seed, uint32_t open_id_seed) {
        context_.threads(1);
        context_.randReset(2);
        context_.randSeed(int(mix(seed) >> 34) + 1);
        context_.commandArgs(int(plus_arguments.size()), plus_arguments.data());
        top = std::make_unique<Vengine>(&context_, "engine");
        Vengine *t = top.get();
        t->cfg_enable = 1;
        t->cfg_node = NODE[side];
        t->cfg_ieee = side;
        t->cfg_init_id = 1;
        t->cfg_fixed_open_id = 0;
        t->cfg_open_id_seed = open_id_seed;
        t->cfg_timer_tick = TIMER_TICK;
        t->cfg_max_retry = 0;
        t->cfg_idle_limit = 0;
        t->cfg_link_slots = SLOTS / 2;
        t->cfg_selective = selective;
        t->cfg_congestion = congestion;
#ifdef TTP_HAS_IPV4                 // it takes that form, and opens no link in it
        t->cfg_ipv4 = 0;
        t->cfg_ipv4_prefix = 10;
        t->cfg_ipv4_mask = 0;
        t->cfg_ipv4_router_upper = t->cfg_ipv4_router_lower = 0;
#endif
        t->s_cmd_tvalid = 0;
        rx(Beat{});
    }
    ~Engine() {
        // The library takes the context that this thread used last for the model's own.
        Verilated::threadContextp(&context_);
        top->final();
        top.reset();
    }

    void low() { top->clk = 0; top->eval(); }
    void high() { top->clk = 1; top->eval(); }

    // The shift register of the engine's random bits (`congestion/control.py`); null: it has none.
    IData *random_bits() {
#ifdef RANDOM_BITS
        return &top->rootp->RANDOM_BITS;
#else
        return nullptr;
#endif
    }

private:
    VerilatedContext context_;      // `top` is gone before it is
};

// What a frame that changes nothing may still change: which of two ways was used last (L5); of a
// free tag nothing but these is looked at.
inline bool same_tag(const Tag &left, const Tag &right) {
    if (left.state() != right.state()) return false;
    bool open = left.state() != 0;
    for (int word = 0; word < TAG_WORDS; ++word)
        if ((left.words[word] ^ right.words[word]) & (open ? OPEN_MASK[word] : FREE_MASK[word]))
            return false;
    return true;
}

// Every output of two engines in one clock, payloads only where they are valid; the name of the
// first that differs, else null. `causes`: drop causes, too.
inline const char *difference(const Engine &left, const Engine &right, bool causes) {
    const Vengine *l = left.top.get(), *r = right.top.get();
#define ALWAYS(name) if (l->name != r->name) return #name;
    COMPARED(ALWAYS)
    if (causes) { COMPARED_CAUSES(ALWAYS) }
    if (l->trace_valid) { COMPARED_TRACE(ALWAYS) }
    if (l->trace_valid && l->trace_event <= RX_LAST) { COMPARED_TRACE_RX(ALWAYS) }
    if (l->m_notice_tvalid) { ALWAYS(m_notice_tdata) }
#undef ALWAYS
    auto beats = [](const Beat &x, const Beat &y) {
        if (!x.valid) return true;
        if (x.last != y.last || x.keep != y.keep) return false;
        for (int lane = 0; lane < WB; ++lane)
            if ((x.keep >> lane & 1) && x.data[lane] != y.data[lane]) return false;
        return true;
    };
    if (!beats(left.tx(), right.tx())) return "m_mac_tx";
    for (int vc = 0; vc < VCS; ++vc)
        if (!beats(left.host_out(vc), right.host_out(vc))) return "m_host_rx";
    return nullptr;
}

} }  // namespace ttp
