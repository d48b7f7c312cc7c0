// What a native program says while it works: one line, now and then; and its Ctrl-C.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <unistd.h>
#include <utility>

namespace ttp {

inline volatile std::sig_atomic_t interrupted = 0;      // Ctrl-C, or the end of the shell

inline void catch_interrupts() {
    for (int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { interrupted = 1; });
}

// `1:05` or `1:02:03`.
inline std::string clock_text(double seconds) {
    const unsigned long long all = static_cast<unsigned long long>(std::max(0.0, seconds));
    char text[40];
    if (all >= 3600)
        std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", all / 3600, all / 60 % 60, all % 60);
    else
        std::snprintf(text, sizeof text, "%llu:%02llu", all / 60, all % 60);
    return text;
}

class Progress {
public:
    explicit Progress(std::string name)
        : name_(std::move(name)), terminal_(isatty(STDOUT_FILENO)), started_(Clock::now()),
          shown_(started_) {}
    ~Progress() { finish(); }

    double seconds() const { return since(started_); }
    static double cpu_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }
    // Of simulated clocks.
    double rate(uint64_t clocks) const { return clocks / std::max(seconds(), 1e-9); }

    // It is time for a line: every second on a terminal, every ten elsewhere.
    bool due() const { return since(shown_) >= (terminal_ ? 1 : 10); }

    // The line, with the time that has passed; `done`, 0 to 1, gives the time that is left. `began`:
    // what was done before.
    void show(const std::string &text, double done = 0, double began = 0) {
        shown_ = Clock::now();
        std::string line = "[" + name_ + "] " + clock_text(seconds()) + ": " + text;
        if (done > began && done < 1)
            line += ", about " + clock_text(seconds() * (1 - done) / (done - began)) + " left";
        if (terminal_) std::printf("\r%s\033[K", line.c_str());
        else std::printf("%s\n", line.c_str());
        open_ = terminal_;
        std::fflush(stdout);
    }
    // A line that stays.
    void say(const std::string &text) {
        finish();
        std::printf("[%s] %s\n", name_.c_str(), text.c_str());
        std::fflush(stdout);
    }

private:
    using Clock = std::chrono::steady_clock;

    static double since(Clock::time_point when) {
        return std::chrono::duration<double>(Clock::now() - when).count();
    }
    void finish() {
        if (open_) std::printf("\n");
        open_ = false;
    }

    std::string name_;
    bool terminal_, open_ = false;
    Clock::time_point started_, shown_;
};

}  // namespace ttp
