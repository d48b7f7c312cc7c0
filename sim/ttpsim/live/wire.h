// The wire: frames from and to a file descriptor, none of which carries an FCS.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

using Bytes = std::string;

constexpr size_t LONGEST_FRAME = 65536;

class Wire {
public:
    virtual ~Wire() = default;
    // A frame that has arrived; false if none has.
    virtual bool receive(Bytes &frame) = 0;
    // False if there is no room: `flush` and try again.
    virtual bool send(const Bytes &frame) = 0;
    virtual bool flush() { return true; }
    virtual int descriptor() const = 0;
    virtual bool wants_out() const { return false; }

    uint64_t unsent = 0;        // frames for a wire that is down
    std::string event;          // something to tell the host; it clears it
    bool ended = false;         // nothing will ever come again
};

// TAP, packet socket, datagram socket: a read is a frame.
class FrameWire : public Wire {
public:
    explicit FrameWire(int file) : file_(file) {}

    bool receive(Bytes &frame) override {
        char buffer[LONGEST_FRAME];
        ssize_t size = ended ? -1 : read(file_, buffer, sizeof buffer);
        if (size > 0) {
            frame.assign(buffer, size);
            return true;
        }
        if (!ended && (size == 0 || (errno != EAGAIN && errno != EINTR && errno != ENETDOWN))) {
            ended = true;
            event = size ? std::strerror(errno) : "the other end has closed";
        }
        return false;
    }
    bool send(const Bytes &frame) override {
        if (ended || write(file_, frame.data(), frame.size()) >= 0) return true;
        if (errno == EAGAIN || errno == ENOBUFS) {
            full_ = true;
            return false;
        }
        ++unsent;               // the interface is down, or the frame too long for it
        return true;
    }
    bool flush() override {
        full_ = false;
        return true;
    }
    int descriptor() const override { return ended ? -1 : file_; }
    bool wants_out() const override { return full_; }

private:
    int file_;
    bool full_ = false;
};

// QEMU's `-netdev socket`: TCP, each frame behind its length as 4 bytes, big-endian.
class StreamWire : public Wire {
public:
    // `listener` >= 0: connections are accepted from it, one at a time; else `connection` is used.
    StreamWire(int connection, int listener) : listener_(listener) { use(connection); }
    ~StreamWire() override { use(-1); }

    bool receive(Bytes &frame) override {
        if (connection_ < 0 && !accept_one()) return false;
        char buffer[LONGEST_FRAME];
        if (in_.size() < 4 || in_.size() < 4 + length()) {
            ssize_t size = read(connection_, buffer, sizeof buffer);
            if (size > 0) in_.append(buffer, size);
            else if (size == 0) return lose("the other end has closed the connection");
            else if (errno != EAGAIN && errno != EINTR) return lose(std::strerror(errno));
        }
        if (in_.size() < 4) return false;
        if (length() == 0 || length() > LONGEST_FRAME)
            return lose("a frame of " + std::to_string(length())
                        + " bytes: the other end does not speak QEMU's socket framing");
        if (in_.size() < 4 + length()) return false;
        size_t size = length();
        frame = in_.substr(4, size);
        in_.erase(0, 4 + size);
        return true;
    }
    bool send(const Bytes &frame) override {
        if (connection_ < 0) {
            ++unsent;
            return true;
        }
        if (!flush()) return false;
        uint32_t size = frame.size();
        for (int shift : {24, 16, 8, 0}) out_ += char(size >> shift);
        out_ += frame;
        flush();
        return true;
    }
    bool flush() override {
        while (connection_ >= 0 && !out_.empty()) {
            ssize_t size = ::send(connection_, out_.data(), out_.size(), MSG_NOSIGNAL);
            if (size < 0) {
                if (errno != EAGAIN && errno != EINTR) lose(std::strerror(errno));
                return out_.empty();
            }
            out_.erase(0, size);
        }
        return out_.empty();
    }
    int descriptor() const override { return connection_ >= 0 ? connection_ : listener_; }
    bool wants_out() const override { return connection_ >= 0 && !out_.empty(); }

private:
    size_t length() const {
        size_t value = 0;
        for (int n = 0; n < 4; ++n) value = value << 8 | uint8_t(in_[n]);
        return value;
    }
    bool accept_one() {
        if (listener_ < 0) return false;
        int connection = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) return false;
        use(connection);
        event = "connected";
        return true;
    }
    void use(int connection) {
        if (connection_ >= 0) close(connection_);
        connection_ = connection;
        in_.clear();
        out_.clear();
        int one = 1;
        if (connection >= 0) setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    bool lose(const std::string &reason) {
        use(-1);
        ended = listener_ < 0;
        event = reason;
        return false;
    }

    int connection_ = -1, listener_;
    std::string in_, out_;
};
