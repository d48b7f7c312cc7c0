// Queue and senders over time, as a table: a line every 256 clocks.
#pragma once

#include <cinttypes>
#include <unistd.h>

#include "traffic.h"

namespace ttp::fabric {

class Samples {
public:
    Samples(const Settings &settings, const Traffic &traffic) : senders_(settings.nodes) {
        if (settings.samples.empty()) return;
        // What was written after a checkpoint is written again.
        const bool resumes = !settings.resume.empty();
        file_ = std::fopen(settings.samples.c_str(), resumes ? "r+" : "w");
        if (!file_) throw Failure{"cannot write " + settings.samples};
        if (!resumes) std::fprintf(file_, "clock,queue");
        for (int node = 0; node < settings.nodes; ++node) {
            if (!traffic.is_sender(node)) continue;
            shown_.push_back(node);
            if (resumes) continue;
            std::fprintf(file_, ",bytes_%d", node);
#ifdef TTP_HAS_LAW
            std::fprintf(file_, ",window_%d,gap_%d", node, node);
#endif
        }
        if (!resumes) std::fprintf(file_, "\n");
    }
    ~Samples() { if (file_) std::fclose(file_); }
    Samples(const Samples &) = delete;
    Samples &operator=(const Samples &) = delete;

    void state(Archive &a) {
        long at = file_ ? std::ftell(file_) : 0;
        a & senders_ & queue_ & at;
        if (file_) std::fflush(file_);
        if (file_ && !a.saving
            && (std::fseek(file_, at, SEEK_SET) || ftruncate(fileno(file_), at)))
            throw Failure{"cannot go on with the table of --samples"};
    }
    void data(int from, int bytes) { senders_[from].bytes += bytes; }
    // What the law says now of the link to the sender's partner.
    void law(int node, uint32_t window, uint32_t gap) {
        Sender &s = senders_[node];
        s.window = window;
        s.gap = gap;
    }
    // Bytes that wait for the port to host 0.
    void queue(int64_t bytes) { queue_ = bytes; }
    void clock(uint64_t clock) {
        if (!file_ || clock % SAMPLE_CLOCKS) return;
        std::fprintf(file_, "%" PRIu64 ",%" PRId64, clock, queue_);
        for (int node : shown_) {
            const Sender &s = senders_[node];
            std::fprintf(file_, ",%" PRIu64, s.bytes);
#ifdef TTP_HAS_LAW
            std::fprintf(file_, ",%u,%u", s.window, s.gap);
#endif
        }
        std::fprintf(file_, "\n");
    }

private:
    struct Sender {
        uint64_t bytes = 0;             // of DATA that has been delivered
        uint32_t window = 0, gap = 0;
    };
    std::vector<Sender> senders_;
    std::vector<int> shown_;
    int64_t queue_ = 0;
    std::FILE *file_ = nullptr;
};

}  // namespace ttp::fabric
