// Reset of one engine at any clock, while data moves both ways.
//
// From then on the engine that was reset must do, clock by clock and output by output, what a new
// engine with other random contents does with the same inputs: nothing of what was before is left.
// The other engine knows of nothing; both must carry data again, as the protocol says.
#pragma once

#include <vector>

#include "pair.h"

class Resets {
public:
    explicit Resets(uint64_t seed) : seed_(seed) {}

    // Resets before clock `from`, `from + every` ... `to` - 1; `to` 0: until all data is over.
    bool run(uint64_t from, uint64_t to, uint64_t every, void (*progress)(const Resets &)) {
        uint64_t at = from;
        try {
            length = undisturbed();
            if (!to) to = length;
            for (; at < to; at += every)
                for (int side = 0; side < 2; ++side)
                    for (int width : {1, 3}) {
                        if (every > 1 && (at / every + side) % 2 != (width == 3)) continue;
                        what_ = std::string("reset of ") + "ab"[side] + " for "
                                + std::to_string(width) + " clocks at clock " + std::to_string(at);
                        one(at, side, width);
                        ++done;
                        progress(*this);
                    }
        } catch (const Failure &error) {
            failure = what_ + ": " + error.text;
        }
        return failure.empty();
    }

    void write(FILE *file) const {
        auto number = [&](const char *name, uint64_t value) {
            std::fprintf(file, ",\n \"%s\": %llu", name, (unsigned long long)value);
        };
        number("resets", done);
        number("scenario_clocks", length);
        number("compared_clocks", compared);
        number("slowest_recovery_clocks", slowest);
        number("packets_after", packets);
        number("packets_lost_at_survivor", lost);
        number("told_restarted", told[3]);
        number("told_down", told[1]);
    }

    std::string failure;
    uint64_t done = 0, length = 0, compared = 0, slowest = 0, packets = 0, lost = 0, told[8] = {};

private:
    static constexpr int BEFORE = 6, AFTER = 4, LAST = 3;   // packets of each flow
    static constexpr uint64_t PATIENCE = 100'000, COMPARED_CLOCKS = 1500;

    std::unique_ptr<Pair> pair() const {
        auto p = std::make_unique<Pair>(seed_);
        for (int side = 0; side < 2; ++side) {
            p->engine[side]->top->cfg_timer_tick = 320 / LINKS + 4;
            for (int vc = 0; vc < VCS; ++vc) p->source[side][vc].limit = BEFORE;
        }
        p->start(4, false);
        return p;
    }

    uint64_t undisturbed() const {
        auto p = pair();
        while (!p->idle()) {
            p->first();
            p->second();
            if (p->clock > PATIENCE) throw Failure{"the scenario itself does not end"};
        }
        return p->clock;
    }

    void one(uint64_t at, int side, int width) {
        auto p = pair();
        Engine &engine = *p->engine[side], &survivor = *p->engine[!side];
        while (p->clock < at) { p->first(); p->second(); }

        // In reset, beside a new engine that is in reset, too.
        uint32_t open_id_seed = OPEN_ID_SEED[side] + 0x10000000;    // its epochs are younger
        Engine fresh(side, ~seed_ + at, open_id_seed);
        fresh.top->cfg_timer_tick = engine.top->cfg_timer_tick;
        fresh.top->rst = engine.top->rst = 1;
        engine.top->cfg_open_id_seed = open_id_seed;
        for (int n = 0; n < width; ++n) {
            p->first();
            follow(fresh, engine);
            if (n) compare(fresh, engine);
            fresh.high();
            p->second();
            Wire &out = p->wire[side];
            if (out.in_frame) {     // the MAC ends what it had begun
                out.next.valid = out.next.last = out.next.error = true;
                out.next.keep = 1;
                out.in_frame = false;
                out.frame.clear();
            }
            for (int vc = 0; vc < VCS; ++vc) {
                if (!n) p->source[side][vc].cut();
                p->sink[side][vc].bytes.clear();
            }
        }
        engine.top->rst = fresh.top->rst = 0;
        uint64_t released = p->clock;
        uint32_t had[VCS];
        for (int vc = 0; vc < VCS; ++vc) had[vc] = missing(p->sink[side][vc]);
        std::vector<int> notices[VCS];
        auto step = [&] {
            p->first();
            if (p->clock - released < COMPARED_CLOCKS) {
                follow(fresh, engine);
                compare(fresh, engine);
                fresh.high();
                ++compared;
            }
            if (survivor.top->m_notice_tvalid) {
                unsigned word = survivor.top->m_notice_tdata;
                notices[word >> 24 & 3].push_back(word >> 26);
                ++told[word >> 26];
            }
            p->second();
            if (p->clock - released > PATIENCE) throw Failure{"no recovery: " + state(*p)};
        };
        for (auto &one_side : p->sink) for (auto &sink : one_side) sink.strict = false;
        extend(*p, AFTER);
        for (int quiet = 0; quiet < 700; quiet = offered(*p) && p->idle(false) ? quiet + 1 : 0)
            step();
        // What a survivor's host gave may be lost with the old link, but then it is told.
        for (int vc = 0; vc < VCS; ++vc) {
            uint32_t gone = p->source[!side][vc].number - p->sink[side][vc].packets - had[vc];
            lost += gone;
            if (gone && notices[vc].empty())
                throw Failure{"packets are lost and the host of the survivor is told nothing"};
        }
        // From here on everything arrives.
        for (int s = 0; s < 2; ++s)
            for (int vc = 0; vc < VCS; ++vc) {
                p->sink[!s][vc].next = p->source[s][vc].number;
                p->sink[!s][vc].strict = true;
            }
        uint32_t before = p->packets();
        uint64_t since = p->clock;
        extend(*p, LAST);
        while (!p->idle()) step();
        packets += p->packets() - before;
        slowest = std::max(slowest, since - released - 700);
        for (int s = 0; s < 2; ++s) {
            int open = 0;
            for (int lid = 0; lid < LINKS; ++lid) open += p->engine[s]->tag(lid).state() == 3;
            if (open != VCS) throw Failure{std::to_string(open) + " links are open at the end"};
        }
        while (p->clock - released < COMPARED_CLOCKS) step();
    }

    static uint32_t missing(const Sink &sink) { return sink.next - sink.packets; }

    static void extend(Pair &p, uint32_t more) {
        for (auto &side : p.source) for (auto &source : side) source.limit = source.number
            + (source.at > 0) + more;
    }

    static bool offered(const Pair &p) {
        for (auto &side : p.source) for (auto &source : side) if (source.valid()) return false;
        return true;
    }

    static void follow(Engine &fresh, Engine &engine) {
        Vengine *to = fresh.top.get(), *from = engine.top.get();
#define COPY(name) to->name = from->name;
        INPUTS(COPY)
#undef COPY
        fresh.low();
    }

    static void compare(const Engine &fresh, const Engine &engine) {
        const char *what = difference(engine, fresh, true);
        if (what) throw Failure{std::string(what) + " is not what it is in a new engine"};
    }

    static std::string state(const Pair &p) {
        std::string text;
        for (int side = 0; side < 2; ++side) {
            text += std::string(1, "ab"[side]) + ": " + std::to_string(
                int(p.engine[side]->top->free_slots)) + " free slots, states";
            for (int lid = 0; lid < LINKS; ++lid)
                text += " " + std::to_string(p.engine[side]->tag(lid).state());
            text += "; ";
        }
        return text;
    }

    uint64_t seed_;
    std::string what_;
};
