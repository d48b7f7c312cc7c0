// Frames of every length through a MAC, both ways at once: the engine's beats on one side, the pins of
// GMII or XGMII on the other (`lines.h`).
//
// Lengths are without FCS. Received are all of them for each lane in which a frame may begin, those
// under 60 bytes as runts; sent are all of them once. A line of results at the end; exit code 1 and a
// line of what is wrong at the first frame that is not as it must be.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lines.h"
#include "options.h"
#include "verilated.h"

// `i__valid` and the like: so Verilator writes two underscores.
#define I(name) i___05F##name
#define O(name) o___05F##name

using namespace ttp;
using namespace ttp::lengths;

namespace {

// ---- both --------------------------------------------------------------------------------------

class Bench {
public:
    Bench(uint64_t seed, size_t first, size_t last)
        : seed_(seed), last_(last), length_(first), to_(seed + 1, first, last, lanes()) {
        context_.threads(1);
        context_.randReset(2);
        context_.randSeed(int(mix(seed) >> 34) + 1);
        context_.commandArgs(int(plus_arguments.size()), plus_arguments.data());
        top_ = std::make_unique<Vside>(&context_, "bench");
        IDLE(top_)
        top_->I(valid) = 0;
        top_->O(ready) = 1;
        top_->rst = 1;
        for (int n = 0; n < 40; ++n) clock(false);
        top_->rst = 0;
        for (int n = 0; n < 60; ++n) clock(false);
    }
    ~Bench() {
        Verilated::threadContextp(&context_);
        top_->final();
        top_.reset();
    }

    void run() {
        for (int quiet = 0; quiet < 3'000; ++quiet) {
            clock(true);
            if (!to_.done() || length_ <= last_ || top_->I(valid)) quiet = 0;
        }
        if (!to_.expected.empty())
            wrong("received: %zu bytes did not come", to_.expected.front().octets.size());
        if (!from_.expected.empty())
            wrong("sent: %zu bytes did not come", from_.expected.front().size());
        check_counters();
    }

    void say() const {
        std::printf("{\"received\": %llu, \"runts\": %llu, \"received_bytes\": %llu, \"sent\": %llu,"
                    " \"sent_bytes\": %llu, \"clocks\": %llu",
                    (unsigned long long)to_.frames, (unsigned long long)to_.runts,
                    (unsigned long long)to_.bytes, (unsigned long long)from_.frames,
                    (unsigned long long)from_.bytes, (unsigned long long)wire_clocks_);
        list("received_from_lane", to_.started, 8);
        list("sent_from_lane", from_.started, 8);
        list("sent_to_lane", from_.ended, 8);
        list("gaps", from_.gaps, 256);
        std::printf("}\n");
    }

private:
    static std::vector<int> lanes() {
#ifdef MAC_XGMII
        return {0, 4};
#else
        return {0};
#endif
    }

    static void list(const char *name, const uint64_t *counts, int size) {
        std::printf(", \"%s\": {", name);
        const char *comma = "";
        for (int n = 0; n < size; ++n)
            if (counts[n]) {
                std::printf("%s\"%d\": %llu", comma, n, (unsigned long long)counts[n]);
                comma = ", ";
            }
        std::printf("}");
    }

    // One clock of the engine, and those of the wire that fall into it.
    void clock(bool traffic) {
        while (next_wire_ < next_sync_) {
            if (traffic) pins();
            WIRE_CLOCK(top_, 1)
            top_->eval();
            WIRE_CLOCK(top_, 0)
            top_->eval();
            next_wire_ += WIRE_PS;
            ++wire_clocks_;
        }
        bool taken = top_->I(valid) && top_->I(ready);
        if (traffic) {
            take_out();
            int n = 0;
#define COUNT(name) counts_[n++] += top_->name;
            STATS(COUNT)
#undef COUNT
        }
        top_->clk = 1;
        top_->eval();
        if (traffic) offer(taken);
        top_->clk = 0;
        top_->eval();
        next_sync_ += SYNC_PS;
    }

    // What the last edge left on the pins, and what the next one finds.
    void pins() {
#ifdef MAC_XGMII
        uint64_t data = 0, control = 0;
        for (int lane = 0; lane < 8; ++lane) {
            from_.xgmii(lane, top_->xgmii_txc >> lane & 1, uint8_t(top_->xgmii_txd >> 8 * lane));
            uint8_t value;
            control |= uint64_t(to_.byte(lane, value)) << lane;
            data |= uint64_t(value) << 8 * lane;
        }
        top_->xgmii_rxd = data;
        top_->xgmii_rxc = control;
#else
        from_.gmii(top_->gmii_tx_en, top_->gmii_tx_er, top_->gmii_txd);
        uint8_t value;
        top_->gmii_rx_dv = !to_.byte(0, value);
        top_->gmii_rxd = value;
#endif
    }

    void offer(bool taken) {
        if (!taken && top_->I(valid)) return;
        if (taken) at_ += WB;
        if (at_ >= given_.size()) {
            at_ = 0;
            given_.clear();
            top_->I(valid) = 0;
            if (length_ > last_) return;
            given_ = frame_of(seed_, length_, length_);
            from_.expected.push_back(given_);
            ++length_;
        }
        uint8_t beat[WB + 4] = {};
        size_t count = std::min<size_t>(WB, given_.size() - at_);
        std::memcpy(beat, &given_[at_], count);
        beat[WB] = uint8_t((1u << count) - 1);
        beat[WB + 1] = at_ + WB >= given_.size();
        std::memcpy(&top_->I(payload), beat, WB + 2);
        top_->I(valid) = 1;
        top_->eval();
    }

    void take_out() {
        if (!top_->O(valid)) return;
        uint8_t beat[WB + 4];
        std::memcpy(beat, &top_->O(payload), WB + 2);
        for (int lane = 0; lane < WB; ++lane)
            if (beat[WB] >> lane & 1) arriving_.push_back(beat[lane]);
        if (!(beat[WB + 1] & 1)) return;
        bool error = beat[WB + 1] >> 1 & 1;
        if (error) {        // of a runt, or of nothing that was sent
            while (!to_.expected.empty() && to_.expected.front().runt
                   && to_.expected.front().octets != arriving_)
                to_.expected.pop_front();
            if (to_.expected.empty() || !to_.expected.front().runt)
                wrong("received: a frame of %zu bytes came with an error", arriving_.size());
        } else {
            while (!to_.expected.empty() && to_.expected.front().runt) to_.expected.pop_front();
            if (to_.expected.empty()) wrong("received: more frames than were sent");
            if (to_.expected.front().octets != arriving_)
                wrong("received: %zu bytes are not as they were sent",
                      to_.expected.front().octets.size());
        }
        to_.expected.pop_front();
        arriving_.clear();
    }

    void check_counters() {
        int n = 0;
#define CHECK(name) check(#name, counts_[n++]);
        STATS(CHECK)
#undef CHECK
    }
    void check(const std::string &name, uint64_t count) {
        uint64_t padded = 0;
        for (size_t length = first(); length < SHORTEST; ++length) ++padded;
        uint64_t wanted = name == "stat_tx_sent"     ? from_.frames
                          : name == "stat_tx_padded" ? padded
                          : name == "stat_rx_good"   ? to_.frames - to_.runts
                          : name == "stat_rx_runt"   ? to_.runts
                                                     : 0;
        if (count != wanted)
            wrong("%s is %llu, and must be %llu", name.c_str(), (unsigned long long)count,
                  (unsigned long long)wanted);
    }
    size_t first() const { return last_ + 1 - from_.frames; }

    uint64_t seed_;
    size_t last_, length_;
    VerilatedContext context_;
    std::unique_ptr<Vside> top_;
    ToMac to_;
    FromMac from_;
    uint64_t next_wire_ = 700, next_sync_ = 300, wire_clocks_ = 0, counts_[32] = {};
    std::vector<uint8_t> given_, arriving_;
    size_t at_ = 0;
};

}  // namespace

int main(int count, char **words) {
    uint64_t seed = 1;
    size_t first = 1, last = 9018;
    Options("lengths").number("--seed", seed).number("--first", first).number("--last", last)
        .read(count, words);
    if (!first || first > last) {
        std::fprintf(stderr, "lengths: from %zu to %zu is none\n", first, last);
        return 2;
    }
    Bench bench(seed, first, last);
    bench.run();
    bench.say();
    return 0;
}
