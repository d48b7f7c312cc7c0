// The abuse runs as a native program; see sim/ttpsim/abuse/run.py, which starts it, and docs/evidence/abuse.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include <chrono>
#include <csignal>
#include <map>

#include "flood.h"
#include "frames.h"
#include "reset.h"

namespace {

volatile std::sig_atomic_t interrupted = 0;
using Clock = std::chrono::steady_clock;
Clock::time_point started = Clock::now(), shown = started;

bool due() {
    if (interrupted) { std::printf("[abuse] interrupted\n"); std::exit(130); }
    auto now = Clock::now();
    if (now - shown < std::chrono::seconds(10)) return false;
    shown = now;
    return true;
}

double seconds() { return std::chrono::duration<double>(Clock::now() - started).count(); }

void tell(const Attack &a) {
    if (!due()) return;
    std::printf("[abuse] %llu bad frames, %u packets, %.1f M clocks, %.0f clocks/s\n",
                (unsigned long long)a.frames, a.hit().packets(), a.hit().clock / 1e6,
                a.hit().clock / seconds());
    std::fflush(stdout);
}

void tell_reset(const Resets &r) {
    if (!due()) return;
    std::printf("[abuse] %llu resets\n", (unsigned long long)r.done);
    std::fflush(stdout);
}

void tell_flood(const Flood &f) {
    if (!due()) return;
    std::printf("[abuse] %llu OPENs, %u packets, %.2f M clocks, %.0f clocks/s\n",
                (unsigned long long)f.opens, f.hit().packets(), f.hit().clock / 1e6,
                f.hit().clock / seconds());
    std::fflush(stdout);
}

template <typename Names>
void list(FILE *file, const char *name, const uint64_t *counts, const Names &names, int count) {
    std::fprintf(file, ",\n \"%s\": {", name);
    const char *comma = "";
    for (int n = 0; n < count; ++n) {
        if (!counts[n]) continue;
        std::fprintf(file, "%s\"%s\": %llu", comma, names[n], (unsigned long long)counts[n]);
        comma = ", ";
    }
    std::fprintf(file, "}");
}

void write_frames(FILE *file, const Attack &a) {
    auto number = [&](const char *name, long long value) {
        std::fprintf(file, ",\n \"%s\": %lld", name, value);
    };
    number("bad_frames", a.frames);
    number("wire_clocks", a.wire_clocks);
    number("clocks", a.hit().clock);
    number("good_frames", a.hit().frames);
    number("packets", a.hit().packets());
    number("reserved_bits_flipped", a.flipped);
    number("forged_events", a.events);
    number("answers", a.answers);
    number("answers_to_strangers", a.strays);
    number("stalled_takes", a.capacity[0]);
    number("stalled_takes_clean", a.capacity[1]);
    list(file, "categories", a.categories, CATEGORY_NAMES, CATEGORY_COUNT);
    list(file, "causes", a.causes, CAUSE_NAMES, CAUSE_COUNT);
    list(file, "stats", a.stats, LINK_STAT_NAMES, LINK_STAT_COUNT);
    uint64_t bits = 0;
    for (uint64_t flips : a.flips) bits += flips != 0;
    number("reserved_bits", bits);
}

int usage(const char *word) {
    std::fprintf(stderr, "abuse: cannot read %s\n", word);
    return 2;
}

}  // namespace

int main(int count, char **words) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::string mode = count > 1 ? words[1] : "", json;
    std::map<std::string, uint64_t> n = {{"--seed", 1}, {"--from", 0}, {"--to", 0}, {"--every", 1},
                                         {"--selective", 1}};
    for (int at = 2; at < count; at += 2) {
        std::string name = words[at];
        if (name[0] == '+') plus_arguments.push_back(words[at--]);
        else if (name == "--json" && at + 1 < count) json = words[at + 1];
        else if (at + 1 < count && n.count(name))
            n[name] = std::strtoull(words[at + 1], nullptr, 0);
        else return usage(words[at]);
    }
    std::string failure;
    FILE *file = json.empty() ? nullptr : std::fopen(json.c_str(), "w");
    selective = n["--selective"];
    auto begin = [&] {
        if (file) std::fprintf(file, "{\n \"seed\": %llu", (unsigned long long)n["--seed"]);
    };
    begin();
    if (mode == "parse" || mode == "forged") {
        auto a = std::make_unique<Attack>(n["--seed"], mode == "forged");
        a->run(tell);
        failure = a->failure;
        if (file) write_frames(file, *a);
    } else if (mode == "flood") {
        Flood f(n["--seed"]);
        f.run(tell_flood);
        failure = f.failure;
        if (file) f.write(file);
    } else if (mode == "reset") {
        Resets r(n["--seed"]);
        r.run(n["--from"], n["--to"], n["--every"], tell_reset);
        failure = r.failure;
        if (file) r.write(file);
    } else {
        return usage(mode.c_str());
    }
    if (file) {
        std::fprintf(file, ",\n \"seconds\": %.1f,\n \"failure\": \"%s\"\n}\n", seconds(),
                     failure.c_str());
        std::fclose(file);
    }
    if (!failure.empty()) std::printf("[abuse] FAILED: %s\n", failure.c_str());
    return failure.empty() ? 0 : 1;
}
