// Many engines behind switches, as a native program; see sim/ttpsim/fabric/run.py and docs/evidence/fabric.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include <chrono>
#include <csignal>
#include <ctime>

#include "run.h"

namespace {

volatile std::sig_atomic_t interrupted = 0;
using Clock = std::chrono::steady_clock;
Clock::time_point started = Clock::now(), shown = started;

void tell(const Fabric &f) {
    if (interrupted) { std::printf("[fabric] interrupted\n"); std::exit(130); }
    auto now = Clock::now();
    if (now - shown < std::chrono::seconds(10)) return;
    shown = now;
    std::printf("[fabric] %u of %u packets, clock %llu, %.0f clocks/s\n", f.arrived(), f.planned(),
                (unsigned long long)f.clock,
                f.clock / std::chrono::duration<double>(now - started).count());
    std::fflush(stdout);
}

}  // namespace

int main(int count, char **words) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    Settings s;
    std::string json;
    uint64_t cut_through = 0, buffer = s.network.buffer;
    std::map<std::string, std::string *> texts = {
        {"--traffic", &s.traffic}, {"--defect", &s.network.defect}, {"--json", &json}};
    std::map<std::string, int *> numbers = {
        {"--nodes", &s.nodes}, {"--count", &s.count}, {"--link-slots", &s.link_slots},
        {"--tick", &s.tick}, {"--selective", &s.selective}, {"--delay", &s.delay},
        {"--leaf-hosts", &s.leaf_hosts}, {"--spines", &s.spines}, {"--ping-every", &s.ping_every},
        {"--bytes", &s.host.bytes}, {"--ping-bytes", &s.host.ping_bytes},
        {"--stop", &s.host.stop_clocks}, {"--stop-period", &s.host.stop_period}};
    std::map<std::string, uint64_t *> large = {
        {"--seed", &s.seed}, {"--limit", &s.limit}, {"--clocks", &s.clocks}, {"--buffer", &buffer},
        {"--cut-through", &cut_through}, {"--loss-ppm", &s.network.loss_ppm}};
    for (int at = 1; at + 1 < count; at += 2) {
        std::string name = words[at], value = words[at + 1];
        if (texts.count(name)) *texts[name] = value;
        else if (numbers.count(name)) *numbers[name] = std::atoi(value.c_str());
        else if (large.count(name)) *large[name] = std::strtoull(value.c_str(), nullptr, 0);
        else return std::fprintf(stderr, "fabric: cannot read %s\n", words[at]), 2;
    }
    s.network.cut_through = cut_through;
    s.network.buffer = int64_t(buffer);
    Fabric fabric(s);
    fabric.run(tell);
    double cpu = double(std::clock()) / CLOCKS_PER_SEC;
    if (FILE *file = json.empty() ? nullptr : std::fopen(json.c_str(), "w")) {
        std::fprintf(file, "{\n \"seed\": %llu", (unsigned long long)s.seed);
        fabric.write(file);
        std::fprintf(file, ",\n \"cpu_seconds\": %.2f,\n \"failure\": \"%s\"\n}\n", cpu,
                     fabric.failure.c_str());
        std::fclose(file);
    }
    if (!fabric.failure.empty()) std::printf("[fabric] FAILED: %s\n", fabric.failure.c_str());
    return fabric.failure.empty() ? 0 : 1;
}
