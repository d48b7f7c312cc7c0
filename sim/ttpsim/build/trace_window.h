// Waveforms of the first so many picoseconds: included before cocotb's main program for Verilator,
// which knows of nothing but the whole run. `TTP_WAVES_UNTIL` says how many; without it, all.
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
        if (time < until_) TraceFile::dump(time);
    }

private:
    static uint64_t limit() {
        const char *text = std::getenv("TTP_WAVES_UNTIL");
        return text ? std::strtoull(text, nullptr, 10) : ~0ull;
    }
    const uint64_t until_ = limit();
};

#define VerilatedFstC TraceWindow
#define VerilatedVcdC TraceWindow
