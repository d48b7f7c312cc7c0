// The soak as a native program: rounds of two engines on a bad network, without Python.
//
// Every round starts from reset, with random contents in all memories, and follows from
// (seed, round) alone. Exit code 0: all rounds passed, or interrupted; 1: one failed; 2: bad
// arguments.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unistd.h>

#include "round.h"

namespace {

using Clock = std::chrono::steady_clock;

Options parse(int count, char **words) {
    Options o;
    std::map<std::string, uint64_t *> numbers = {
        {"--seed", &o.seed}, {"--first", &o.first}, {"--rounds", &o.rounds},
        {"--clocks", &o.clocks}, {"--round-clocks", &o.round_clocks}, {"--from", &o.from}};
    std::map<std::string, std::string *> texts = {{"--json", &o.json}, {"--waves", &o.waves}};
    for (int n = 1; n < count; n += 2) {
        std::string name = words[n];
        if (name[0] == '+') { o.plus.push_back(words[n--]); continue; }
        const char *value = n + 1 < count ? words[n + 1] : "";
        char *end = nullptr;
        if (texts.count(name) && *value) { *texts[name] = value; continue; }
        if (numbers.count(name) && *value && *value != '-') {
            *numbers[name] = std::strtoull(value, &end, 0);
            if (!*end) continue;
        }
        std::fprintf(stderr, "soak: cannot read %s %s\n", name.c_str(), value);
        std::exit(2);
    }
    return o;
}

// ---- what is told --------------------------------------------------------------------------

struct Report {
    Options options;
    Clock::time_point started = Clock::now(), shown = started;
    uint64_t round = 0, rounds_passed = 0, clocks = 0;
    Counts totals;
    std::string failure;
    Settings failed_settings;
} report;

uint64_t sum(const Counts &counts, const char *ending) {
    uint64_t total = 0;
    for (auto &[name, count] : counts)
        if (name.size() >= std::strlen(ending)
            && !name.compare(name.size() - std::strlen(ending), std::string::npos, ending))
            total += count;
    return total;
}

void merge(Counts &into, const Counts &counts) {
    for (auto &[name, count] : counts)
        if (name.find("free_slots") == std::string::npos) into[name] += count;
}

double seconds() { return std::chrono::duration<double>(Clock::now() - report.started).count(); }

void write_json() {
    if (report.options.json.empty()) return;
    std::string partial = report.options.json + ".part";
    FILE *file = std::fopen(partial.c_str(), "w");
    if (!file) return;
    auto number = [&](const char *name, uint64_t value) {
        std::fprintf(file, " \"%s\": %llu,\n", name, (unsigned long long)value);
    };
    std::fprintf(file, "{\n");
    number("seed", report.options.seed);
    number("first_round", report.options.first);
    number("next_round", report.options.first + report.rounds_passed);
    number("round_clocks", report.options.round_clocks);
    number("clocks", report.clocks);
    number("packets", sum(report.totals, "_received"));
    number("payload_bytes", sum(report.totals, "_bytes"));
    number("replays", sum(report.totals, "_payload_replayed"));
    number("links_closed", report.totals["closed"]);
    number("errors", !report.failure.empty());
    std::fprintf(file, " \"seconds\": %.1f,\n \"cpu_seconds\": %.2f,\n \"failure\": \"%s\",\n"
                 " \"counts\": {", seconds(), double(std::clock()) / CLOCKS_PER_SEC,
                 report.failure.c_str());
    const char *comma = "";
    for (auto &[name, count] : report.totals) {
        std::fprintf(file, "%s\n  \"%s\": %llu", comma, name.c_str(), (unsigned long long)count);
        comma = ",";
    }
    std::fprintf(file, "}\n}\n");
    std::fclose(file);
    std::rename(partial.c_str(), report.options.json.c_str());
}

void show(const char *mark, uint64_t clocks, const Counts &counts) {
    double rate = seconds() > 0 ? clocks / seconds() : 0;
    std::printf("%s[soak] round %llu, %.1f M clocks, %.0f clocks/s, %llu packets, %llu replays, "
                "%llu links closed, %d errors", mark, (unsigned long long)report.round,
                clocks / 1e6, rate, (unsigned long long)sum(counts, "_received"),
                (unsigned long long)sum(counts, "_payload_replayed"),
                (unsigned long long)(counts.count("closed") ? counts.at("closed") : 0),
                int(!report.failure.empty()));
    std::fputs(*mark ? "   " : "\n", stdout);
    std::fflush(stdout);
}

void progress(const Round &round) {
    static const bool terminal = isatty(STDOUT_FILENO);
    auto now = Clock::now();
    if (now - report.shown < std::chrono::seconds(terminal ? 1 : 30)) return;
    report.shown = now;
    Counts counts = report.totals;
    merge(counts, round.counts());
    show(terminal ? "\r" : "", report.clocks + round.clocks(), counts);
}

}  // namespace

int main(int count, char **words) {
    Options &options = report.options = parse(count, words);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    report.round = options.first;
    bool passed = true;
    while (passed && !interrupted) {
        Round round(options, report.round);
        passed = round.run(progress);
        report.clocks += round.clocks();
        merge(report.totals, round.counts());
        report.failure = round.failure();
        if (!passed) {
            report.failed_settings = round.settings();
        } else if (!interrupted) {
            ++report.rounds_passed;
            ++report.round;
        }
        write_json();
        if (options.rounds && report.rounds_passed >= options.rounds) break;
        if (options.clocks && report.clocks >= options.clocks) break;
        if (!options.rounds && !options.clocks) break;
    }
    if (isatty(STDOUT_FILENO)) std::printf("\n");
    show("", report.clocks, report.totals);
    if (interrupted) std::printf("[soak] interrupted in round %llu\n",
                                 (unsigned long long)report.round);
    if (passed) return 0;
    std::printf("[soak] round %llu failed: %s\n[soak] its settings:",
                (unsigned long long)report.round, report.failure.c_str());
    for (auto &[name, value] : report.failed_settings)
        std::printf(" %s=%llu", name.c_str(), (unsigned long long)value);
    std::printf("\n");
    return 1;
}
