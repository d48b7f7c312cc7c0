// Every packet in the order in which the hosts have it, as a table: a line for each.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "failure.h"

namespace ttp::fabric {

class Order {
public:
    // An empty path: nothing is written.
    explicit Order(const std::string &path) {
        if (path.empty()) return;
        file_ = std::fopen(path.c_str(), "w");
        if (!file_) throw Failure{"cannot write " + path};
        std::fprintf(file_, "clock,to,from,vc,number\n");
    }
    ~Order() { if (file_) std::fclose(file_); }
    Order(const Order &) = delete;
    Order &operator=(const Order &) = delete;

    // The last beat of packet `number` of a flow has reached its host in this clock.
    void packet(uint64_t clock, int to, int from, int vc, uint32_t number) {
        if (file_)
            std::fprintf(file_, "%" PRIu64 ",%d,%d,%d,%" PRIu32 "\n", clock, to, from, vc,
                         number);
    }

private:
    std::FILE *file_ = nullptr;
};

}  // namespace ttp::fabric
