// The packet model as a native program; see sim/ttpsim/packet/run.py and docs/evidence/packet.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include "network_options.h"
#include "progress.h"
#include "write.h"

using namespace ttp;

namespace {

void read(int count, char **words, packet::Settings &s, std::string &json) {
    Options options("packet");
    fabric::network_options(options, s)
        .text("--json", json)
        .number("--steps", s.steps)
        .number("--fat-tree", s.pods_of)
        .read(count, words);
}

}  // namespace

int main(int count, char **words) {
    catch_interrupts();
    packet::Settings settings;
    settings.reset_clocks = packet::RESET_CLOCKS;
    std::string json;
    read(count, words, settings, json);
    Progress progress("packet");
    std::unique_ptr<packet::Run> made;
    try {
        made = std::make_unique<packet::Run>(settings);
    } catch (const Failure &error) {
        std::fprintf(stderr, "packet: %s\n", error.text.c_str());
        return 2;
    }
    made->run([&](const packet::Run &run) {
        if (interrupted) {
            progress.say("interrupted");
            std::exit(130);
        }
        if (!progress.due()) return;
        char text[120];
        std::snprintf(text, sizeof text, "%llu of %llu packets, clock %llu, %.0f clocks/s",
                      (unsigned long long)run.arrived(), (unsigned long long)run.planned(),
                      (unsigned long long)run.clock, progress.rate(run.clock));
        progress.show(text, run.share());
    });
    Json results;
    results.put("seed", settings.seed);
    made->write(results);
    results.put("cpu_seconds", progress.cpu_seconds()).put("failure", made->failure);
    if (!results.write(json)) return 2;
    if (!made->failure.empty()) progress.say("FAILED: " + made->failure);
    return made->failure.empty() ? 0 : 1;
}
