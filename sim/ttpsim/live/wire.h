// The wire: frames from and to a file descriptor, none of which carries an FCS.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <linux/if_packet.h>
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
    explicit FrameWire(int file) : file_(file) {
        int domain = 0;
        socklen_t size = sizeof domain;
        packet_ = !getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_PACKET;
    }

    bool receive(Bytes &frame) override {
        char buffer[LONGEST_FRAME], tag[4];
        bool tagged = false;
        ssize_t size = ended ? -1 : packet_ ? read_packet(buffer, tag, tagged)
                                            : read(file_, buffer, sizeof buffer);
        if (size > 0) {
            frame.assign(buffer, size);
            if (tagged && size >= 12) frame.insert(12, tag, sizeof tag);
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
    // The kernel takes the outermost VLAN tag out of a frame before a packet socket gets it, and
    // says beside it what it was: as it was on the wire, the frame is not TTP's but the OS's.
    ssize_t read_packet(char *buffer, char *tag, bool &tagged) {
        alignas(cmsghdr) char beside[CMSG_SPACE(sizeof(tpacket_auxdata))];
        iovec data = {buffer, LONGEST_FRAME};
        msghdr message = {};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = beside;
        message.msg_controllen = sizeof beside;
        const ssize_t size = recvmsg(file_, &message, 0);
        if (size <= 0) return size;
        for (cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
            tpacket_auxdata aux;
            std::memcpy(&aux, CMSG_DATA(part), sizeof aux);
            if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) continue;
            const uint16_t type = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
                                                                            : 0x8100;
            const uint16_t words[] = {htons(type), htons(aux.tp_vlan_tci)};
            std::memcpy(tag, words, sizeof words);
            tagged = true;
        }
        return size;
    }

    int file_;
    bool packet_ = false, full_ = false;
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
