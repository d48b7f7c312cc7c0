// One round of the soak: the compiled bench, driven from reset to the last closed link.
#pragma once

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "Vsoak.h"
#include "soak_ports.h"
#include "settings.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Waves = VerilatedFstC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Waves = VerilatedVcdC;
#endif

using Counts = std::map<std::string, uint64_t>;

inline constexpr int CHUNK = 1024;                 // clocks between two looks at `failed`
inline constexpr uint64_t AFTER_FAILURE = 64;      // clocks that a waveform goes on
inline constexpr uint64_t FINISH_LIMIT = 100'000'000;

inline volatile std::sig_atomic_t interrupted = 0;

struct Options {
    uint64_t seed = 1, first = 0, rounds = 0, clocks = 0, round_clocks = 1'000'000, from = 0;
    std::string json, waves;
    std::vector<const char *> plus = {"soak"};      // `+name=value`, for the design
};

// One round: a model of its own. `changes` are settings that differ from the round's own.
class Round {
public:
    Round(const Options &options, uint64_t number, const Settings &changes = {})
        : options_(options) {
        context_.randReset(2);
        context_.randSeed(int(Random(~options.seed, number).next() >> 34) + 1);
        auto plus = options.plus;
        context_.commandArgs(int(plus.size()), plus.data());
        top_ = std::make_unique<Vsoak>(&context_, "soak");
        settings_ = round_settings(options.seed, number, SOAK_LINKS, SOAK_SLOTS);
        for (auto &[name, value] : changes) settings_.at(name) = value;
#define SET(name) top_->cfg_##name = settings_[#name];
        SOAK_SETTINGS(SET)
#undef SET
#if VM_TRACE
        if (!options.waves.empty()) {
            context_.traceEverOn(true);
            waves_ = std::make_unique<Waves>();
            top_->trace(waves_.get(), 99);
            waves_->open(options.waves.c_str());
        }
#endif
        top_->i_finish = 0;
        top_->rst = 1;
        step(4);
        top_->rst = 0;
    }

    ~Round() {
#if VM_TRACE
        if (waves_) waves_->close();
#endif
        top_->final();
    }

    // True when it has passed, or was interrupted.
    bool run(void (*progress)(const Round &)) {
        bool passed = chunks(options_.round_clocks, progress);
        top_->i_finish = 1;
        passed = passed && chunks(finish_limit_, progress);
        if (!passed) step(AFTER_FAILURE);
        if (interrupted) return true;
        return passed && explain_end();
    }

    uint64_t clocks() const { return clocks_; }
    const Settings &settings() const { return settings_; }
    const std::string &failure() const { return failure_; }

    Counts counts() const {
        Counts counts;
#define GET(name) counts[#name] = top_->status_##name;
        SOAK_COUNTS(GET)
#undef GET
        return counts;
    }

protected:
    void step(uint64_t clocks) {
        Vsoak *top = top_.get();
        for (uint64_t n = 0; n < clocks; ++n) {
            top->clk = 0;
            top->eval();
#if VM_TRACE
            if (waves_ && clocks_ + n >= options_.from) waves_->dump(2 * (clocks_ + n));
#endif
            top->clk = 1;
            top->eval();
#if VM_TRACE
            if (waves_ && clocks_ + n >= options_.from) waves_->dump(2 * (clocks_ + n) + 1);
#endif
        }
        clocks_ += clocks;
    }

    // Up to `limit` clocks, or until all is finished. False if something failed.
    bool chunks(uint64_t limit, void (*progress)(const Round &)) {
        for (uint64_t ran = 0; ran < limit && !interrupted; ran += CHUNK) {
            step(CHUNK);
            if (top_->status_failed) return explain_failure();
            if (top_->status_done) return true;
            progress(*this);
        }
        if (!top_->i_finish || interrupted) return true;
        failure_ = "the links are not closed after " + std::to_string(limit) + " clocks";
        return false;
    }

    bool explain_failure() {
        static const char *packet[] = {"", "another packet than the next one", "a wrong length",
                                       "a wrong byte", "a wrong source node", "a wrong ID"};
        static const char *link[] = {"", "a notice that nobody asked for",
                                     "the engine refused a payload", "a packet lost at the close",
                                     "no progress"};
        char text[256];
        failure_ = "clock " + std::to_string(uint64_t(top_->status_failed_at)) + ":";
        auto checker = [&](char side, int vc, unsigned error, uint64_t expected, uint64_t found,
                           unsigned beat) {
            if (!error) return;
            std::snprintf(text, sizeof text, " host %c, VC %d: %s (packet %llu, beat %u, its first"
                          " four bytes 0x%08llx = %llu);", side, vc, packet[error],
                          (unsigned long long)expected, beat, (unsigned long long)found,
                          (unsigned long long)found);
            failure_ += text;
        };
#define CHECKER(side, letter, vc) \
        checker(letter, vc, top_->status_##side##_vc##vc##_error, \
                top_->status_##side##_vc##vc##_error_number, \
                top_->status_##side##_vc##vc##_error_found, \
                top_->status_##side##_vc##vc##_error_beat);
        CHECKER(a, 'a', 0) CHECKER(a, 'a', 1) CHECKER(a, 'a', 2)
        CHECKER(b, 'b', 0) CHECKER(b, 'b', 1) CHECKER(b, 'b', 2)
#undef CHECKER
        const unsigned links[] = {top_->status_vc0_error, top_->status_vc1_error,
                                  top_->status_vc2_error};
        for (int vc = 0; vc < 3; ++vc) {
            if (!links[vc]) continue;
            std::snprintf(text, sizeof text, " link of VC %d: %s;", vc, link[links[vc]]);
            failure_ += text;
        }
        failure_.pop_back();
        return false;
    }

    // Nothing may be left over when all is closed.
    bool explain_end() {
        Counts c = counts();
        auto must = [&](const std::string &what, uint64_t left, uint64_t right) {
            if (left == right) return;
            failure_ += (failure_.empty() ? "" : "; ") + what + ": " + std::to_string(left)
                        + ", not " + std::to_string(right);
        };
        for (const char *x : {"a", "b"}) {
            std::string me = x, wire = *x == 'a' ? "ba" : "ab", peer = *x == 'a' ? "b" : "a";
            must("free replay slots of " + me, c[me + "_free_slots"], SOAK_SLOTS);
            for (const char *vc : {"vc0", "vc1", "vc2"})
                must("packets received by " + me + " on " + vc, c[me + "_" + vc + "_received"],
                     c[peer + "_" + vc + "_sent"]);
            must("frames out of wire " + wire, c[wire + "_left"], c[wire + "_entered"]
                 - c[wire + "_lost"] - c[wire + "_overflowed"] + c[wire + "_doubled"]);
            uint64_t counted = 0;
            for (const char *name : SOAK_FRAME_COUNTS) counted += c[me + "_" + name];
            must("frames counted by " + me, counted, c[wire + "_left"]);
        }
        return failure_.empty();
    }

    const Options &options_;
    VerilatedContext context_;
    std::unique_ptr<Vsoak> top_;
    Settings settings_;
    uint64_t clocks_ = 0, finish_limit_ = FINISH_LIMIT;
    std::string failure_;
#if VM_TRACE
    std::unique_ptr<Waves> waves_;
#endif
};
