// A part of a run as waveform: included before cocotb's main program for Verilator, which knows of
// nothing but the whole run. `TTP_WAVES_FROM` and `TTP_WAVES_UNTIL` say which, in picoseconds;
// without them it is all. The first dump holds every signal, whenever it comes.
#pragma once

#include <cstdlib>

#include "Vtop.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using TraceFile = VerilatedFstC;
#else
#include "verilated_vcd_c.h"
using TraceFile = VerilatedVcdC;
#endif

class TraceWindow final : public TraceFile {
public:
    void dump(uint64_t time) {
        if (from_ <= time && time < until_) TraceFile::dump(time);
    }

private:
    static uint64_t set(const char *name, uint64_t otherwise) {
        const char *text = std::getenv(name);
        return text ? std::strtoull(text, nullptr, 10) : otherwise;
    }
    const uint64_t from_ = set("TTP_WAVES_FROM", 0);
    const uint64_t until_ = set("TTP_WAVES_UNTIL", ~0ull);
};

#define VerilatedFstC TraceWindow
#define VerilatedVcdC TraceWindow
