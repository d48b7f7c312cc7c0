// Upsets of a MAC: one bit of one register, or of one word of a memory, turns over while frames go
// round from the engine's side to the wire and back.
//
// The upsets come on standard input, a line each: number, name, bit, frame, delay, recent (0 or 1),
// choice. The bit turns over `delay` clocks after frame `frame` was begun; the word is `choice` modulo
// the depth or, with `recent`, the next one that is written. Behind the frames of the upset the MAC
// is reset, and more frames must go round as if nothing had been. A line of results for each goes
// to standard output. `--list` prints registers and memories instead.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mac_ports.h"          // generated: sim/ttpsim/faults/mac.py
#include "options.h"
#include "random.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"

// `i__valid` and the like: so Verilator writes two underscores.
#define I(name) i___05F##name
#define O(name) o___05F##name

using namespace ttp;

namespace {

constexpr int FRAMES = 64, AGAIN = 16, QUIET = 4'000, PATIENCE = 400, HEADER = 22;

struct State {
    std::string name;
    uint8_t *data;
    size_t depth, width, stride;
};

std::vector<State> states(VerilatedContext &context) {
    std::vector<State> found;
    for (auto &[scope_name, scope] : *context.scopeNameMap()) {
        if (!scope->varsp()) continue;
        for (auto &[name, variable] : *scope->varsp()) {
            if (variable.udims() > 1 || variable.entBits() < 1 || !variable.isPublicRW()) continue;
            std::string path = std::string(scope_name) + "." + name;
            size_t top = path.find("ttp_side.");
            if (top == std::string::npos) continue;
            while (path.back() == ' ') path.pop_back();         // of an escaped name
            found.push_back({path.substr(top + 9), static_cast<uint8_t *>(variable.datap()),
                             variable.udims() ? size_t(variable.elements(1)) : 1,
                             size_t(variable.entBits()), variable.entSize()});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const State &x, const State &y) { return x.name < y.name; });
    return found;
}

// Frame `number`: no two alike, none that is MAC control, 22 bytes or more.
std::vector<uint8_t> frame_of(uint64_t seed, uint32_t number) {
    Random random(seed, number);
    size_t length = HEADER + random.below(random.chance(1, 6) ? 500 : 100);
    std::vector<uint8_t> octets(length);
    for (auto &octet : octets) octet = uint8_t(random.next() >> 32);
    octets[12] = 0x9A;
    octets[13] = 0xC6;
    std::memcpy(&octets[14], &number, 4);
    uint32_t size = uint32_t(length);
    std::memcpy(&octets[18], &size, 4);
    return octets;
}

struct Result {
    int wrong = 0, doubled = 0, missing = 0, bad = 0;
    long last = -1;                     // the latest frame that was not as it should be
    uint64_t counted[2] = {0, 0};       // lost, good
    uint64_t sent = 0;                  // as the MAC counts them: whole, spoilt, broken off
};

class Bench {
public:
    Bench(uint64_t seed, uint64_t number) : seed_(mix(seed) ^ mix(number)), random_(seed, number) {
        context_.threads(1);
        context_.randReset(2);
        context_.randSeed(int(mix(seed_) >> 34) + 1);
        context_.commandArgs(int(plus_arguments.size()), plus_arguments.data());
        top_ = std::make_unique<Vside>(&context_, "bench");
        IDLE(top_)
        top_->I(valid) = 0;
        top_->O(ready) = 1;
        reset();                // what random contents gave until then does not count
        result(0, 0);
    }
    ~Bench() {
        Verilated::threadContextp(&context_);
        top_->final();
        top_.reset();
    }

    VerilatedContext &context() { return context_; }

    void reset() {
        top_->I(valid) = 0;
        left_.clear();
        at_ = 0;
        next_ = end_;
        top_->rst = 1;
        for (int n = 0; n < 40; ++n) clock();
        top_->rst = 0;
        for (int n = 0; n < 60; ++n) clock();
        arriving_.clear();
    }

    // One clock of the engine, and those of the wire that fall into it.
    void clock() {
        for (;;) {
            bool wire = next_wire_ < next_sync_;
            uint64_t &next = wire ? next_wire_ : next_sync_;
            if (wire) {
                WIRE_CLOCK(top_, 1)
                top_->eval();
                LOOP(top_)
                WIRE_CLOCK(top_, 0)
                top_->eval();
                next += WIRE_PS;
                continue;
            }
            // What is taken and given in this clock is known before its edge.
            bool taken = top_->I(valid) && top_->I(ready);
            take_out();
            count();
            top_->clk = 1;
            top_->eval();
            offer(taken);
            top_->clk = 0;
            top_->eval();
            next += SYNC_PS;
            return;
        }
    }

    // Sends frames `from` to `to` - 1, and waits until nothing comes any more.
    void traffic(uint32_t from, uint32_t to) {
        next_ = from;
        end_ = to;
        sending_ = 0;
        for (int quiet = 0; quiet < QUIET; ++quiet) {
            size_t before = received_;
            uint32_t sending = next_;
            clock();
            if (next_ != sending || next_ < end_ || !left_.empty()) {
                if (++sending_ > LIMIT) return;         // the MAC takes nothing any more
                quiet = 0;
            }
            if (received_ != before) quiet = 0;
        }
    }

    // Until the first beat of this frame was offered, and `delay` clocks more.
    void until(uint32_t from, uint32_t frame, uint32_t to, int delay) {
        next_ = from;
        end_ = to;
        while (next_ <= frame) clock();
        for (int n = 0; n < delay; ++n) clock();
    }
    void go_on() { traffic(next_, end_); }

    void settle() { top_->eval(); }

    // What came of frames `from` to `to` - 1 since the last call.
    Result result(uint32_t from, uint32_t to) {
        Result found = so_far_;
        for (uint32_t number = from; number < to; ++number)
            if (!seen_.count(number)) {
                ++found.missing;
                found.last = number;
            }
        if (odd_ > found.last) found.last = odd_;
        so_far_ = Result{};
        odd_ = -1;
        seen_.clear();
        highest_ = -1;
        return found;
    }

    uint32_t next() const { return next_; }

private:
    static constexpr int LIMIT = 400'000;

    void offer(bool taken) {
        if (taken || !top_->I(valid)) {
            if (taken) at_ += WB;
            if (at_ >= left_.size()) {
                left_.clear();
                at_ = 0;
                top_->I(valid) = 0;
                if (pause_ > 0) { --pause_; return; }
                if (next_ >= end_) return;
                left_ = frame_of(seed_, next_++);
                pause_ = random_.chance(1, 3) ? int(random_.below(80)) : 0;
            }
            uint8_t beat[WB + WB / 8 + 4] = {};
            size_t count = std::min<size_t>(WB, left_.size() - at_);
            std::memcpy(beat, &left_[at_], count);
            uint64_t keep = count >= 64 ? ~0ull : (1ull << count) - 1;
            std::memcpy(beat + WB, &keep, WB / 8);
            beat[WB + WB / 8] = at_ + WB >= left_.size();
            std::memcpy(&top_->I(payload), beat, WB + WB / 8 + 1);
            top_->I(valid) = 1;
            top_->eval();
        }
    }

    void take_out() {
        if (!top_->O(valid)) return;
        uint8_t beat[WB + WB / 8 + 4] = {};
        std::memcpy(beat, &top_->O(payload), WB + WB / 8 + 1);
        uint64_t keep = 0;
        std::memcpy(&keep, beat + WB, WB / 8);
        for (int lane = 0; lane < WB; ++lane)
            if (keep >> lane & 1) arriving_.push_back(beat[lane]);
        if (beat[WB + WB / 8] & 1) {
            arrived(beat[WB + WB / 8] >> 1 & 1);
            arriving_.clear();
        }
        if (arriving_.size() > 100'000) arriving_.clear();
    }

    void arrived(bool error) {
        ++received_;
        if (error) { ++so_far_.bad; return; }
        uint32_t number = 0;
        bool good = arriving_.size() >= HEADER;
        if (good) {
            std::memcpy(&number, &arriving_[14], 4);
            good = number < next_;
        }
        if (good) {
            auto wanted = frame_of(seed_, number);
            wanted.resize(std::max<size_t>(wanted.size(), 60));
            good = wanted == arriving_;
        }
        if (!good) {
            ++so_far_.wrong;
            odd_ = highest_ + 1;
        } else if (long(number) <= highest_) {
            ++so_far_.doubled;
            odd_ = highest_;
        } else {
            seen_.insert(number);
            highest_ = number;
        }
    }

    void count() {
#define LOST(name) so_far_.counted[0] += top_->name;
#define GOOD(name) so_far_.counted[1] += top_->name;
#define SENT(name) so_far_.sent += top_->name;
        LOST_STATS(LOST)
        GOOD_STATS(GOOD)
        SENT_STATS(SENT)
    }

    uint64_t seed_;
    Random random_;
    VerilatedContext context_;
    std::unique_ptr<Vside> top_;
    uint64_t next_wire_ = 700, next_sync_ = 300;
    uint32_t next_ = 0, end_ = 0;
    std::vector<uint8_t> left_, arriving_;
    size_t at_ = 0, received_ = 0;
    int pause_ = 0, sending_ = 0;
    std::set<uint32_t> seen_;
    long highest_ = -1, odd_ = -1;
    Result so_far_;
};

}  // namespace

int main(int count, char **words) {
    uint64_t seed = 1;
    bool list = false;
    Options("faults").number("--seed", seed).flag("--list", list).read(count, words);
    if (list) {
        Bench bench(seed, 0);
        for (auto &state : states(bench.context()))
            std::printf("%s %zu %zu\n", state.name.c_str(), state.depth, state.width);
        return 0;
    }
    char line[512], name[400];
    while (std::fgets(line, sizeof line, stdin)) {
        unsigned long long number, bit, frame, delay, recent, choice;
        if (std::sscanf(line, "%llu %399s %llu %llu %llu %llu %llu", &number, name, &bit, &frame,
                        &delay, &recent, &choice) != 7 || frame >= FRAMES) {
            std::fprintf(stderr, "faults: cannot read: %s", line);
            return 2;
        }
        Bench bench(seed, number);
        auto list = states(bench.context());
        auto state = std::find_if(list.begin(), list.end(),
                                  [&](const State &s) { return s.name == name; });
        if (state == list.end() || bit >= state->width) {
            std::fprintf(stderr, "faults: no bit %llu of %s\n", bit, name);
            return 2;
        }
        bench.until(0, uint32_t(frame), FRAMES, int(delay));
        size_t word = choice % state->depth, bytes = state->depth * state->stride;
        bool hit = false;
        for (int waited = 0; recent && state->depth > 1 && !hit && waited < PATIENCE; ++waited) {
            std::vector<uint8_t> before(state->data, state->data + bytes);
            bench.clock();
            for (size_t n = 0; n < state->depth && !hit; ++n)
                if (std::memcmp(&before[n * state->stride], state->data + n * state->stride,
                                state->stride)) {
                    word = n;
                    hit = true;
                }
        }
        uint32_t at = bench.next() - 1;
        state->data[word * state->stride + bit / 8] ^= 1 << bit % 8;
        bench.settle();
        bench.go_on();
        Result found = bench.result(0, FRAMES);
        bench.reset();
        bench.result(0, 0);
        bench.traffic(FRAMES, FRAMES + AGAIN);
        Result again = bench.result(FRAMES, FRAMES + AGAIN);
        bool clean = !again.wrong && !again.doubled && !again.missing && !again.bad
                     && !again.counted[0] && again.counted[1] == AGAIN && again.sent == AGAIN;
        std::printf("%llu\t%zu\t%d\t%u\t%d\t%d\t%d\t%d\t%ld\t%llu\t%llu\t%llu\t%d\n", number, word,
                    int(hit), at, found.wrong, found.doubled, found.missing, found.bad, found.last,
                    (unsigned long long)found.counted[0], (unsigned long long)found.counted[1],
                    (unsigned long long)found.sent, int(clean));
        std::fflush(stdout);
    }
    return 0;
}
