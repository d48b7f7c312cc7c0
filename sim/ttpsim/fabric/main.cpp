// Many engines behind switches, as a native program; see sim/ttpsim/fabric/run.py and docs/evidence/fabric.md.
//
// Exit code 0: passed; 1: failed; 2: bad arguments; 130: interrupted.

#include "network_options.h"
#include "progress.h"
#include "run.h"
#ifdef TTP_MPI
#include "exchange_mpi.h"
#endif

using namespace ttp;
using ttp::fabric::Run;

namespace {

void read(int count, char **words, fabric::Settings &s, std::string &json) {
    Options options("fabric");
    fabric::network_options(options, s)
        .text("--json", json)
        .text("--defect", s.network.defect)
        .text("--checkpoint", s.checkpoint)
        .text("--resume", s.resume)
        .number("--checkpoint-seconds", s.checkpoint_seconds)
        .text("--kinds", s.kinds)
        .text("--partition", s.partition)
        .text("--results", s.results)
        .text("--workload", s.workload)
        .number("--batch", s.batch)
        .number("--lanes", s.lanes)
        .number("--skip", s.skip)
        .number("--modules", s.modules)
        .number("--module-timer", s.module_timer)
        .number("--pods", s.pods)
        .number("--cores", s.cores)
        .number("--groups", s.groups)
        .number("--chunk", s.chunk)
        .read(count, words);
}

// The settings and the program, of which a checkpoint is. Where results go is none of them.
std::string all_words(int count, char **words) {
    std::string all = words[0];
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        bool place = false;
        for (const char *name : {"--json", "--workload", "--samples", "--results", "--order", "--resume",
                                 "--checkpoint", "--checkpoint-seconds"})
            place |= word == name;
        if (place) ++at;
        else all += " " + word;
    }
    return all;
}

// Whether all processes can begin, and in the same clock; if not, one says why.
bool all_begin(fabric::Exchange &exchange, const Run *run, const std::string &error) {
    if (!error.empty()) std::fprintf(stderr, "fabric: %s\n", error.c_str());
    if (!fabric::all_good(exchange, run)) return false;
    uint64_t clock = run->clock;
    exchange.tell(&clock, sizeof clock);
    if (fabric::all_good(exchange, clock == run->clock)) return true;
    if (!exchange.rank()) std::fprintf(stderr, "fabric: the checkpoint has files of two clocks\n");
    return false;
}

void show(Progress &progress, const Run &run) {
    if (!progress.due()) return;
    char text[120];
    std::snprintf(text, sizeof text, "%s packets, clock %llu, %.0f clocks/s", run.there().c_str(),
                  (unsigned long long)run.clock, progress.rate(run.clock - run.began_clock()));
    progress.show(text, run.share(), run.began());
}

int told(Progress &progress, Run &run, int end, const std::string &json) {
    if (end == Run::INTERRUPTED) progress.say("interrupted");
    if (end > Run::FAILED) return end;
    Json results;
    run.write(results);
    if (!results.write(json) || !run.write_results()) return 2;
    if (!run.failure.empty()) progress.say("FAILED: " + run.failure);
    return end;
}

}  // namespace

int main(int count, char **words) {
#ifdef TTP_MPI
    fabric::MpiExchange exchange(&count, &words);
#else
    fabric::Exchange exchange;
#endif
    catch_interrupts();
#ifdef TTP_MPI
    // What mpirun passes on and does not end us by, as it does after Ctrl-C.
    std::signal(SIGUSR1, [](int) { interrupted = 1; });
#endif
    fabric::Settings settings;
    std::string json;
    read(count, words, settings, json);
    settings.program = all_words(count, words);
    Progress progress("fabric");
    std::unique_ptr<Run> run;
    std::string error;
    try {
        if (!settings.workload.empty()) {
            settings.host.workload = std::make_shared<fabric::Workload>(
                settings.workload, settings.nodes, settings.host.bytes ? settings.host.bytes : 1024);
            settings.program += " workload " + std::to_string(settings.host.workload->hash());
        }
        run = std::make_unique<Run>(settings, exchange);
    } catch (const Failure &failure) {
        error = failure.text;
    }
    if (!all_begin(exchange, run.get(), error)) return 2;
    const int end = run->go([&](const Run &r) { show(progress, r); });
    return exchange.rank() ? end : told(progress, *run, end, json);
}
