// The soak as a native program: rounds of two engines on a bad network, without Python.
//
// Every round starts from reset, with random contents in all memories, and follows from
// (seed, round) alone. Exit code 0: all rounds passed, or interrupted; 1: one failed; 2: bad
// arguments.

#include <cstring>

#include "json.h"
#include "round.h"

using namespace ttp;
using namespace ttp::soak;

namespace {

Plan read(int count, char **words) {
    Plan p;
    Options("soak")
        .number("--seed", p.seed)
        .number("--first", p.first)
        .number("--rounds", p.rounds)
        .number("--clocks", p.clocks)
        .number("--round-clocks", p.round_clocks)
        .number("--from", p.from)
        .text("--json", p.json)
        .text("--waves", p.waves)
        .read(count, words);
    return p;
}

uint64_t sum(const Counts &counts, const std::string &ending) {
    uint64_t total = 0;
    for (auto &[name, count] : counts)
        if (name.size() >= ending.size()
            && !name.compare(name.size() - ending.size(), std::string::npos, ending))
            total += count;
    return total;
}

void merge(Counts &into, const Counts &counts) {
    for (auto &[name, count] : counts)
        if (name.find("free_slots") == std::string::npos) into[name] += count;
}

class Soak {
public:
    explicit Soak(const Plan &plan) : plan_(plan), round_(plan.first) {}

    int run() {
        bool passed = true;
        while (passed && !interrupted) {
            Round round(plan_, round_);
            passed = round.run([&](const Round &r) { tell(r); });
            clocks_ += round.clocks();
            merge(totals_, round.counts());
            failure_ = round.failure();
            if (!passed) {
                settings_ = round.settings();
            } else if (!interrupted) {
                ++rounds_passed_;
                ++round_;
            }
            if (!write()) return 2;
            if (plan_.rounds && rounds_passed_ >= plan_.rounds) break;
            if (plan_.clocks && clocks_ >= plan_.clocks) break;
            if (!plan_.rounds && !plan_.clocks) break;
        }
        return passed;
    }

    void conclude(bool passed) {
        progress_.say(line(clocks_, totals_) + " in " + clock_text(progress_.seconds()));
        const std::string where = "round " + std::to_string(round_);
        if (interrupted) progress_.say("interrupted in " + where);
        if (passed) return;
        progress_.say(where + " failed: " + failure_);
        std::string all = "its settings:";
        for (auto &[name, value] : settings_) all += " " + name + "=" + std::to_string(value);
        progress_.say(all);
    }

private:
    void tell(const Round &round) {
        if (!progress_.due()) return;
        Counts counts = totals_;
        merge(counts, round.counts());
        const uint64_t clocks = clocks_ + round.clocks();
        const double share = plan_.rounds ? double(rounds_passed_) / plan_.rounds
                             : plan_.clocks ? double(clocks) / plan_.clocks : 0;
        progress_.show(line(clocks, counts), share);
    }

    std::string line(uint64_t clocks, const Counts &counts) const {
        char text[240];
        std::snprintf(text, sizeof text,
                      "round %llu, %.1f M clocks, %.0f clocks/s, %llu packets, %llu replays, "
                      "%llu links closed, %d errors", (unsigned long long)round_, clocks / 1e6,
                      progress_.rate(clocks), (unsigned long long)sum(counts, "_received"),
                      (unsigned long long)sum(counts, "_payload_replayed"),
                      (unsigned long long)(counts.count("closed") ? counts.at("closed") : 0),
                      int(!failure_.empty()));
        return text;
    }

    bool write() {
        Json json;
        json.put("seed", plan_.seed)
            .put("first_round", plan_.first)
            .put("next_round", plan_.first + rounds_passed_)
            .put("round_clocks", plan_.round_clocks)
            .put("clocks", clocks_)
            .put("packets", sum(totals_, "_received"))
            .put("payload_bytes", sum(totals_, "_bytes"))
            .put("replays", sum(totals_, "_payload_replayed"))
            .put("links_closed", totals_["closed"])
            .put("errors", int(!failure_.empty()))
            .put("seconds", progress_.seconds())
            .put("cpu_seconds", progress_.cpu_seconds())
            .put("failure", failure_)
            .begin("counts");
        for (auto &[name, count] : totals_) json.put(name, count);
        return json.end().write(plan_.json);
    }

    const Plan &plan_;
    Progress progress_{"soak"};
    uint64_t round_, rounds_passed_ = 0, clocks_ = 0;
    Counts totals_;
    std::string failure_;
    Settings settings_;
};

}  // namespace

int main(int count, char **words) {
    const Plan plan = read(count, words);
    catch_interrupts();
    Soak soak(plan);
    const int passed = soak.run();
    if (passed == 2) return 2;
    soak.conclude(passed);
    return passed ? 0 : 1;
}
