// What happens at one node and concerns all: each process writes it down, and process 0 reads all of
// it in one order, whoever wrote it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace ttp::fabric {

enum class What : uint8_t { SENT, DELIVERED, LAW, QUEUE };

struct Record {
    uint64_t clock = 0;
    int32_t node = 0, peer = 0;         // where it happens; the other end of the packet
    What what = What::SENT;
    uint8_t vc = 0;
    uint32_t number = 0, bytes = 0;     // of the packet; LAW: window and gap
    uint64_t since = 0;                 // clock in which it was first offered; QUEUE: bytes in it
};

// In order of clocks, within one in order of `What`, then of nodes; those of a node stay in theirs.
inline void put_in_order(std::vector<Record> &records) {
    auto key = [](const Record &r) { return std::tuple(r.clock, r.what, r.node); };
    std::stable_sort(records.begin(), records.end(),
                     [&](const Record &a, const Record &b) { return key(a) < key(b); });
}

// A check that has failed. The first one is told: of a clock, nodes before switches.
struct Fault {
    enum Place : uint8_t { NODE, SWITCH, ALL, NONE };
    uint64_t clock = ~0ull;
    Place place = NONE;
    int32_t index = 0;
    std::string text;

    bool there() const { return place != NONE; }
    void first(const Fault &other) {
        auto key = [](const Fault &f) { return std::tuple(f.clock, f.place, f.index); };
        if (key(other) < key(*this)) *this = other;
    }
};

}  // namespace ttp::fabric
