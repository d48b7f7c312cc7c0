// Upsets: one bit of one word of one memory of an engine turns over while traffic runs.
//
// Each upset has a round of the soak of its own, from reset to the last closed link. The upsets
// come on standard input, a line each: number, memory, bit, clock, recent (0 or 1), choice. The word
// is `choice` modulo the depth or, with `recent`, the next one that is written. A line of
// results for each goes to standard output. `--list` prints the memories instead; `--double` turns
// the next bit over, too.

#include <cinttypes>
#include <cstdlib>
#include <cstring>

#include "round.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"

namespace {

constexpr uint64_t TRAFFIC = 12'000, PATIENCE = 2'000, FINISH = 400'000, SETTLE = 1'000;

// A memory of the bench; `name` leaves out what belongs to the coding of its words.
struct Memory {
    std::string name;
    uint8_t *data;
    size_t depth, width, stride;
};

std::vector<Memory> memories(VerilatedContext &context) {
    std::vector<Memory> found;
    for (auto &[scope_name, scope] : *context.scopeNameMap()) {
        if (!scope->varsp()) continue;
        for (auto &[name, variable] : *scope->varsp()) {
            if (variable.udims() != 1 || variable.entBits() < 1) continue;
            std::string path = std::string(scope_name) + "." + name;
            size_t engine = path.find("engine_");
            if (engine == std::string::npos) continue;
            path = path.substr(engine);
            for (size_t at; (at = path.find(".coded")) != std::string::npos;) path.erase(at, 6);
            found.push_back({path, static_cast<uint8_t *>(variable.datap()),
                             size_t(variable.elements(1)), size_t(variable.entBits()),
                             variable.entSize()});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const Memory &x, const Memory &y) { return x.name < y.name; });
    return found;
}

// What is wrong with the receive slots of an idle bench; empty if nothing is.
std::string receive_slots(VerilatedContext &context) {
    std::string said;
    for (auto &[scope_name, scope] : *context.scopeNameMap()) {
        if (!scope->varsp()) continue;
        for (auto &[name, variable] : *scope->varsp()) {
            bool held = !std::strcmp(name, "upset_held"), twice = !std::strcmp(name, "upset_twice");
            if (!held && !twice) continue;
            auto *data = static_cast<uint8_t *>(variable.datap());
            size_t count = 0;
            for (int byte = 0; byte < variable.entSize(); ++byte)
                count += __builtin_popcount(data[byte]);
            if (!count) continue;
            std::string path = scope_name;
            said += (said.empty() ? "" : "; ") + path.substr(path.find("engine_"));
            said += held ? ": " + std::to_string(count) + " receive slots never given back"
                         : ": receive slots taken or given back twice";
        }
    }
    return said;
}

struct Upset {
    unsigned long long number = 0, bit = 0, clock = 0, recent = 0, choice = 0;
    std::string memory;
    size_t word = 0;
};

class FaultRound : public Round {
public:
    FaultRound(const Options &options, uint64_t number)
        : Round(options, number, changes(options, number)) {
        finish_limit_ = FINISH;
    }

    std::vector<Memory> found() { return memories(context_); }

    // Like `run`, with one upset; false: something was not as it must be.
    bool run_with(Upset &upset, bool twice) {
        auto list = found();
        auto memory = std::find_if(list.begin(), list.end(),
                                   [&](const Memory &m) { return m.name == upset.memory; });
        if (memory == list.end() || upset.bit >= memory->width) {
            std::fprintf(stderr, "faults: no bit %llu of %s\n", upset.bit, upset.memory.c_str());
            std::exit(2);
        }
        step(upset.clock);
        std::vector<size_t> words;
        std::vector<uint8_t> before;
        size_t bytes = memory->depth * memory->stride;
        for (uint64_t waited = 0; upset.recent && words.empty() && waited < PATIENCE; ++waited) {
            before.assign(memory->data, memory->data + bytes);
            step(1);
            if (!std::memcmp(before.data(), memory->data, bytes)) continue;
            for (size_t word = 0, at = 0; word < memory->depth; ++word, at += memory->stride)
                if (std::memcmp(&before[at], memory->data + at, memory->stride))
                    words.push_back(word);
        }
        upset.recent = !words.empty();
        upset.word = words.empty() ? upset.choice % memory->depth
                                   : words[upset.choice % words.size()];
        for (size_t n = 0; n <= twice; ++n) {
            size_t bit = (upset.bit + n) % memory->width;
            memory->data[upset.word * memory->stride + bit / 8] ^= 1 << bit % 8;
        }
        if (top_->status_failed) return explain_failure();
        auto quiet = [](const Round &) {};
        bool passed = chunks(clocks() < TRAFFIC ? TRAFFIC - clocks() : 1, quiet);
        top_->i_finish = 1;
        if (!passed || !chunks(finish_limit_, quiet) || !explain_end() || interrupted) return false;
        step(SETTLE);       // late copies of packets are dropped
        failure_ = receive_slots(context_);
        return failure_.empty();
    }

private:
    // A lively round whose failures show soon.
    static Settings changes(const Options &options, uint64_t number) {
        static const uint32_t loss[] = {0, 655, 3277, 6554};                    // to 10 %
        Random random(options.seed ^ 0xFA017, number);
        Settings s = {{"patience", 60'000}};
        for (const char *xy : {"ab", "ba"}) {
            std::string wire = xy;
            s[wire + "_loss"] = random.of(loss);
            s[wire + "_delay"] = random.below(60);
            s[wire + "_hold_mask"] = 63;
            s[wire + "_pause"] = 0;
        }
        for (const char *x : {"a", "b"}) {
            std::string engine = x;
            s[engine + "_gap_mask"] = random.below(2) ? 63 : 0;
            s[engine + "_hold_mask"] = random.below(2) ? 1023 : 0;
            s[engine + "_timer_tick"] = 4096 / SOAK_LINKS;
        }
        return s;
    }
};

}  // namespace

int main(int count, char **words) {
    Options options;
    bool list = false, twice = false;
    for (int n = 1; n < count; ++n) {
        if (words[n][0] == '+') options.plus.push_back(words[n]);
        else if (!std::strcmp(words[n], "--list")) list = true;
        else if (!std::strcmp(words[n], "--double")) twice = true;
        else options.seed = std::strtoull(words[n], nullptr, 0);
    }
    if (list) {
        for (auto &memory : FaultRound(options, 0).found())
            std::printf("%s %zu %zu\n", memory.name.c_str(), memory.depth, memory.width);
        return 0;
    }
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    char line[512], memory[400];
    while (!interrupted && std::fgets(line, sizeof line, stdin)) {
        Upset upset;
        if (std::sscanf(line, "%llu %399s %llu %llu %llu %llu", &upset.number, memory, &upset.bit,
                        &upset.clock, &upset.recent, &upset.choice) != 6
            || upset.clock >= TRAFFIC) {
            std::fprintf(stderr, "faults: cannot read: %s", line);
            return 2;
        }
        upset.memory = memory;
        FaultRound round(options, upset.number);
        bool passed = round.run_with(upset, twice);
        if (interrupted) break;
        Counts counts = round.counts();
        std::printf("%llu\t%zu\t%llu\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n",
                    upset.number, upset.word, upset.recent, passed,
                    counts["a_memory_corrected"] + counts["b_memory_corrected"],
                    counts["a_memory_uncorrectable"] + counts["b_memory_uncorrectable"],
                    counts["a_link_lost"] + counts["b_link_lost"], round.clocks(),
                    round.failure().c_str());
        std::fflush(stdout);
    }
    return 0;
}
