// The abuse runs as a native program; see sim/ttpsim/abuse/run.py, which starts it, and docs/evidence/abuse.md.
//
//     abuse parse|forged|flood|reset --seed N ... < frames
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include <memory>

#include "flood.h"
#include "frames.h"
#include "progress.h"
#include "reset.h"

using namespace ttp;
using namespace ttp::abuse;

namespace {

struct Arguments {
    std::string mode, json;
    uint64_t seed = 1, from = 0, to = 0, every = 1;
};

Arguments read(int count, char **words) {
    Arguments a;
    // What a stalled pair takes is compared with what it took without bad frames: the window is all
    // slots, and an ACK with a TxID is no echo.
    congestion = false;
    Options options("abuse");
    options.number("--seed", a.seed).number("--from", a.from).number("--to", a.to)
        .number("--every", a.every).number("--selective", selective).text("--json", a.json);
    if (count < 2) options.fail("the mode");
    a.mode = words[1];
    options.read(count, words, 2);
    if (a.mode != "parse" && a.mode != "forged" && a.mode != "flood" && a.mode != "reset")
        options.fail(a.mode);
    return a;
}

void write(Json &json, const Attack &a) {
    json.put("bad_frames", a.frames)
        .put("wire_clocks", a.wire_clocks)
        .put("clocks", a.hit().clock)
        .put("good_frames", a.hit().frames)
        .put("packets", a.hit().packets())
        .put("reserved_bits_flipped", a.flipped)
        .put("forged_events", a.events)
        .put("answers", a.answers)
        .put("answers_to_strangers", a.strays)
        .put("stalled_takes", a.capacity[0])
        .put("stalled_takes_clean", a.capacity[1])
        .counts("categories", a.categories, CATEGORY_NAMES, CATEGORY_COUNT)
        .counts("causes", a.causes, CAUSE_NAMES, CAUSE_COUNT)
        .counts("stats", a.stats, LINK_STAT_NAMES, LINK_STAT_COUNT);
    uint64_t bits = 0;
    for (uint64_t flips : a.flips) bits += flips != 0;
    json.put("reserved_bits", bits);
}

class Program {
public:
    explicit Program(const Arguments &arguments) : arguments_(arguments) {
        results_.put("seed", arguments.seed);
    }

    // What went wrong; empty if nothing did.
    std::string run() {
        const Arguments &a = arguments_;
        if (a.mode == "flood") {
            Flood flood(a.seed);
            flood.run([&](const Flood &f) { tell(f.opens, "OPENs", f.hit()); });
            flood.write(results_);
            return flood.failure;
        }
        if (a.mode == "reset") {
            Resets resets(a.seed);
            resets.run(a.from, a.to, a.every, [&](const Resets &r) {
                if (due()) progress_.show(std::to_string(r.done) + " resets", r.share());
            });
            resets.write(results_);
            return resets.failure;
        }
        auto attack = std::make_unique<Attack>(a.seed, a.mode == "forged");
        attack->run([&](const Attack &t) { tell(t.frames, "bad frames", t.hit()); });
        write(results_, *attack);
        return attack->failure;
    }

    int finish(const std::string &failure) {
        results_.put("seconds", progress_.seconds()).put("failure", failure);
        if (!results_.write(arguments_.json)) return 2;
        if (!failure.empty()) progress_.say("FAILED: " + failure);
        return failure.empty() ? 0 : 1;
    }

private:
    bool due() {
        if (interrupted) {
            progress_.say("interrupted");
            std::exit(130);
        }
        return progress_.due();
    }

    void tell(uint64_t count, const char *what, const Pair &pair) {
        if (!due()) return;
        char text[120];
        std::snprintf(text, sizeof text, "%llu %s, %u packets, %.2f M clocks, %.0f clocks/s",
                      (unsigned long long)count, what, pair.packets(), pair.clock / 1e6,
                      progress_.rate(pair.clock));
        progress_.show(text);
    }

    const Arguments &arguments_;
    Progress progress_{"abuse"};
    Json results_;
};

}  // namespace

int main(int count, char **words) {
    catch_interrupts();
    const Arguments arguments = read(count, words);
    Program program(arguments);
    return program.finish(program.run());
}
