// A host: what it sends, and what must arrive. All of a packet follows from (source, destination,
// VC, number), so that no byte, order, source or number can be wrong without being seen.
#pragma once

#include <cstring>
#include <unordered_map>

#include "content.h"
#include "results.h"

namespace ttp::fabric {

// What is on its way or was: by (source, destination, VC).
struct Flow {
    uint32_t sent = 0, received = 0;
    uint32_t next_id = 0;           // of the next packet, once one has come
};

class Host {
public:
    Host(int self, int nodes, const HostSettings &settings)
        : self(self), nodes_(nodes), settings_(settings) {}

    std::deque<int> plan[VCS];      // destinations of the packets that are still to be sent
    std::vector<Sent> taken;        // by the engine, since somebody has emptied it

    // What the host offers and reads in this clock; it offers nothing before `begins`. Then
    // `after`, when the engine has answered.
    template <typename Engine>
    void before(Engine &e, uint64_t clock, uint64_t begins = 0) {
        for (int vc : {REQ_HI, DATA}) {
            Sending &s = sending_[vc];
            if (clock >= begins) next(vc, clock);
            if (!s.length && !s.shown) continue;
            Beat b;
            if (s.length) {
                int n = std::min(WB, s.length - s.at);
                fill(b, s.key, s.at, n);
                b.valid = true;
                b.last = s.at + n == s.length;
            }
            e.host_in(vc, b, NODE_BASE + s.to);
            s.shown = b.valid;
        }
        for (int vc = 0; vc < VCS; ++vc) e.host_ready(vc, reads(settings_, vc, clock));
    }

    // `arrived(source, VC, number, bytes)` for each packet that has come whole.
    template <typename Engine, typename Arrived>
    void after(Engine &e, Arrived arrived) {
        for (int vc : {REQ_HI, DATA}) {
            Sending &s = sending_[vc];
            if (s.length && e.host_taken(vc)) {
                s.at += WB;
                if (s.at >= s.length) sent(vc);
            }
        }
        for (int vc = 0; vc < VCS; ++vc) {
            Beat b = e.host_out(vc);
            if (b.valid && e.host_ready(vc)) read(vc, b, e.host_user(vc), arrived);
        }
    }

    // All of the next packet at once; false if there is none.
    bool take(int vc, std::vector<uint8_t> &packet, uint64_t clock) {
        Sending &s = sending_[vc];
        next(vc, clock);
        if (!s.length) return false;
        packet.clear();
        for (int at = 0; at < s.length; at += WB) {
            Beat b;
            fill(b, s.key, at, std::min(WB, s.length - at));
            packet.insert(packet.end(), b.data, b.data + bytes_of(b.keep));
        }
        sent(vc);
        return true;
    }

    // Whether the reader of this VC takes what comes in this clock.
    static bool reads(const HostSettings &s, int vc, uint64_t clock) {
        return vc != DATA || !s.stop_period || int(clock % s.stop_period) >= s.stop_clocks;
    }
    // Whether it has something to offer.
    bool offers(uint64_t clock, uint64_t begins) const { return clock >= begins && !sent_all(); }
    bool sent_all() const {
        for (int vc : {REQ_HI, DATA}) if (!plan[vc].empty() || sending_[vc].length) return false;
        return true;
    }
    bool between_packets() const {
        for (auto &r : reading_) if (r.at) return false;
        return true;
    }
    uint32_t data_received() const { return data_received_; }      // packets

    void state(Archive &a) {
        for (int vc = 0; vc < VCS; ++vc) {
            a & plan[vc] & to_[vc] & from_[vc] & sending_[vc] & reading_[vc];
            Reading &r = reading_[vc];
            r.flow = r.at ? &from_[vc][r.from] : nullptr;
        }
        a & taken & data_received_;
    }

    const int self;

private:
    struct Sending { int to = 0, at = 0, length = 0; uint64_t key = 0, begun = 0;
                     bool shown = false; };
    struct Reading {
        int at = 0, from = 0, length = 0;
        uint64_t key = 0, user = 0;
        Flow *flow = nullptr;
    };

    // The packet that is sent next, from the plan if there is none yet.
    void next(int vc, uint64_t clock) {
        Sending &s = sending_[vc];
        if (s.length || plan[vc].empty()) return;
        s.to = plan[vc].front();
        s.key = Content::key(self, s.to, vc, to_[vc][s.to].sent);
        s.length = length_of(settings_, self, s.to, vc, to_[vc][s.to].sent);
        s.begun = clock;
        plan[vc].pop_front();
    }
    // The engine has all of it.
    void sent(int vc) {
        Sending &s = sending_[vc];
        ++to_[vc][s.to].sent;
        taken.push_back({self, s.to, vc, s.length, s.begun});
        s.at = s.length = 0;
    }

    static void fill(Beat &b, uint64_t key, int at, int bytes) {
        for (int word = 0; word < WB; word += 8) {
            uint64_t value = Content::word(key, at + word);
            std::memcpy(b.data + word, &value, 8);
        }
        std::memset(b.data + bytes, 0, WB - bytes);
        b.keep = keep_of(bytes);
    }

    template <typename Arrived>
    void read(int vc, const Beat &b, uint64_t user, Arrived arrived) {
        Reading &r = reading_[vc];
        if (!r.at) begin(vc, r, user);
        if (user != r.user) throw Failure{about(vc, r) + "its side-band has changed"};
        Beat due;
        int n = std::min(WB, r.length - r.at);
        if (n > 0) fill(due, r.key, r.at, n);
        if (n <= 0 || b.keep != due.keep || b.last != (r.at + n == r.length))
            throw Failure{about(vc, r) + "it does not have " + std::to_string(r.length)
                          + " bytes"};
        for (int lane = 0; lane < n; ++lane)
            if (b.data[lane] != due.data[lane])
                throw Failure{about(vc, r) + "byte " + std::to_string(r.at + lane) + " is wrong"
                              + whose(vc, r, b, n)};
        r.at += n;
        if (!b.last) return;
        const int bytes = r.at;
        Flow &flow = *r.flow;
        r = Reading();
        data_received_ += vc == DATA;
        arrived(int(uint32_t(user & 0xFFFFFF) - NODE_BASE), vc, flow.received++, bytes);
    }

    void begin(int vc, Reading &r, uint64_t user) {
        uint32_t node = uint32_t(user & 0xFFFFFF) - NODE_BASE, id = uint32_t(user >> 24);
        if (node >= uint32_t(nodes_) || int(node) == self)
            throw Failure{"host " + std::to_string(self) + " has a packet of node "
                          + std::to_string(user & 0xFFFFFF) + ", which sends it none"};
        Flow &flow = from_[vc][node];
        r.flow = &flow;
        r.from = int(node);
        r.user = user;
        r.key = Content::key(r.from, self, vc, flow.received);
        r.length = length_of(settings_, r.from, self, vc, flow.received);
        if (flow.received && id != flow.next_id)
            throw Failure{about(vc, r) + "its ID is " + std::to_string(id) + ", not "
                          + std::to_string(flow.next_id)};
        flow.next_id = id + 1;
    }

    std::string about(int vc, const Reading &r) const {
        return "host " + std::to_string(self) + ", VC " + std::to_string(vc) + ", packet "
               + std::to_string(r.flow->received) + " of host " + std::to_string(r.from)
               + ": ";
    }
    // Which packet near this one has these bytes: doubled, skipped, or another sender's.
    std::string whose(int vc, const Reading &r, const Beat &b, int bytes) const {
        uint32_t now = r.flow->received, from = now < 64 ? 0 : now - 64;
        for (int source = 0; source < nodes_; ++source)
            for (uint32_t number = from; number < now + 64; ++number) {
                Beat other;
                fill(other, Content::key(source, self, vc, number), r.at, bytes);
                if (bytes == WB && !std::memcmp(other.data, b.data, WB))
                    return "; it is packet " + std::to_string(number) + " of host "
                           + std::to_string(source);
            }
        return "";
    }

    int nodes_;
    HostSettings settings_;
    std::unordered_map<int, Flow> to_[VCS], from_[VCS];     // by the other host
    uint32_t data_received_ = 0;
    Sending sending_[VCS];
    Reading reading_[VCS];
};

}  // namespace ttp::fabric
