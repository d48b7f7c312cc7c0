// The host's side of the NIC: messages over a socket that keeps their boundaries.
//
// Both ways a message is a header and bytes; sim/ttpsim/live/nic.py is the other end.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <sys/socket.h>

using Bytes = std::string;

struct __attribute__((packed)) Header {
    uint8_t kind, vc;
    uint16_t code;      // of a notice
    uint32_t node;      // the other end of the link
    uint32_t id;        // of a packet received; of a packet taken: its number on this VC
    uint64_t clock;
};

enum ToNic : uint8_t { SEND = 1, OPEN = 2, CLOSE = 3, ASK = 4 };
enum ToHost : uint8_t { RECEIVED = 1, TAKEN = 2, NOTICE = 3, STATISTICS = 4, READY = 5, WIRE = 6 };

class Host {
public:
    explicit Host(int file) : file_(file) {}

    // A message that has come; false if none has. `closed` if none will.
    bool receive(Header &header, Bytes &bytes) {
        char buffer[sizeof header + 2048];
        ssize_t size = recv(file_, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size < ssize_t(sizeof header)) {
            closed = closed || size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
            return false;
        }
        std::memcpy(&header, buffer, sizeof header);
        bytes.assign(buffer + sizeof header, size - sizeof header);
        return true;
    }
    void tell(const Header &header, const Bytes &bytes = "") {
        waiting_.push_back(Bytes(reinterpret_cast<const char *>(&header), sizeof header) + bytes);
        flush();
    }
    // True if nothing is left.
    bool flush() {
        while (!waiting_.empty()) {
            const Bytes &first = waiting_.front();
            if (send(file_, first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                closed = closed || (errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
                if (!closed) return false;
            }
            waiting_.pop_front();
        }
        return true;
    }
    // The host does not read: packets have to wait in the NIC.
    bool full() const { return !waiting_.empty(); }
    int descriptor() const { return file_; }

    bool closed = false;

private:
    int file_;
    std::deque<Bytes> waiting_;
};
