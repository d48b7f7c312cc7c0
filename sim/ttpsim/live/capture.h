// A pcap file of what is on the wire, with the time of day in nanoseconds.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

class Capture {
public:
    // An empty path: nothing is written.
    explicit Capture(const std::string &path) {
        if (path.empty()) return;
        file_ = std::fopen(path.c_str(), "wb");
        const uint32_t header[] = {0xA1B23C4D, 4u << 16 | 2, 0, 0, 0x40000, 1};
        put(header, sizeof header);
    }
    ~Capture() { if (file_) std::fclose(file_); }

    void add(const std::string &frame) {
        if (!file_) return;
        timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        const uint32_t size = frame.size();
        const uint32_t record[] = {uint32_t(now.tv_sec), uint32_t(now.tv_nsec), size, size};
        put(record, sizeof record);
        put(frame.data(), size);
        std::fflush(file_);
    }

private:
    void put(const void *bytes, size_t size) { if (file_) std::fwrite(bytes, 1, size, file_); }
    FILE *file_ = nullptr;
};
