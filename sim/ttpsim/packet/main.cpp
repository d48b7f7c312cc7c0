// The packet model as a native program; see sim/ttpsim/packet/run.py and docs/evidence/packet.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include "options.h"
#include "progress.h"
#include "write.h"

using namespace ttp;

namespace {

void read(int count, char **words, packet::Settings &s, std::string &json) {
    Options("packet")
        .text("--json", json)
        .text("--traffic", s.traffic)
        .text("--samples", s.samples)
        .text("--order", s.order)
        .number("--seed", s.seed)
        .number("--congestion", s.congestion)
        .number("--spread", s.spread)
        .number("--old", s.old)
        .number("--old-slots", s.old_slots)
        .number("--join", s.join)
        .number("--join-at", s.join_at)
        .number("--leave-at", s.leave_at)
        .number("--limit", s.limit)
        .number("--clocks", s.clocks)
        .number("--nodes", s.nodes)
        .number("--count", s.count)
        .number("--steps", s.steps)
        .number("--link-slots", s.link_slots)
        .number("--tick", s.tick)
        .number("--selective", s.selective)
        .number("--delay", s.delay)
        .number("--leaf-hosts", s.leaf_hosts)
        .number("--spines", s.spines)
        .number("--fat-tree", s.pods_of)
        .number("--buffer", s.network.buffer)
        .number("--cut-through", s.network.cut_through)
        .number("--loss-ppm", s.network.loss_ppm)
        .number("--ping-every", s.ping_every)
        .number("--ping-bytes", s.host.ping_bytes)
        .number("--bytes", s.host.bytes)
        .number("--stop", s.host.stop_clocks)
        .number("--stop-period", s.host.stop_period)
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
