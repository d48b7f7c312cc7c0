// Many engines behind switches, as a native program; see sim/ttpsim/fabric/run.py and docs/evidence/fabric.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include "progress.h"
#include "run.h"

using namespace ttp;
using ttp::fabric::Fabric;

namespace {

void read(int count, char **words, fabric::Settings &s, std::string &json) {
    Options("fabric")
        .text("--json", json)
        .text("--traffic", s.traffic)
        .text("--defect", s.network.defect)
        .number("--seed", s.seed)
        .text("--samples", s.samples)
        .text("--order", s.order)
        .number("--batch", s.batch)
        .number("--congestion", s.congestion)
        .number("--spread", s.spread)
        .number("--old", s.old)
        .number("--old-slots", s.old_slots)
        .number("--modules", s.modules)
        .number("--module-timer", s.module_timer)
        .number("--join", s.join)
        .number("--join-at", s.join_at)
        .number("--leave-at", s.leave_at)
        .number("--limit", s.limit)
        .number("--clocks", s.clocks)
        .number("--nodes", s.nodes)
        .number("--count", s.count)
        .number("--link-slots", s.link_slots)
        .number("--tick", s.tick)
        .number("--selective", s.selective)
        .number("--delay", s.delay)
        .number("--leaf-hosts", s.leaf_hosts)
        .number("--spines", s.spines)
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
    fabric::Settings settings;
    std::string json;
    read(count, words, settings, json);
    Progress progress("fabric");
    std::unique_ptr<Fabric> made;
    try {
        made = std::make_unique<Fabric>(settings);
    } catch (const Failure &error) {
        std::fprintf(stderr, "fabric: %s\n", error.text.c_str());
        return 2;
    }
    Fabric &fabric = *made;
    fabric.run([&](const Fabric &f) {
        if (interrupted) {
            progress.say("interrupted");
            std::exit(130);
        }
        if (!progress.due()) return;
        char text[120];
        std::snprintf(text, sizeof text, "%u of %u packets, clock %llu, %.0f clocks/s", f.arrived(),
                      f.planned(), (unsigned long long)f.clock, progress.rate(f.clock));
        progress.show(text, f.share());
    });
    Json results;
    results.put("seed", settings.seed);
    fabric.write(results);
    results.put("cpu_seconds", progress.cpu_seconds()).put("failure", fabric.failure);
    if (!results.write(json)) return 2;
    if (!fabric.failure.empty()) progress.say("FAILED: " + fabric.failure);
    return fabric.failure.empty() ? 0 : 1;
}
