// Messages that a file lists: who sends how much to whom, from which clock on, after which others.
// workload.py has checked it. All that decides when a message goes is known to its source, and
// how long a packet is follows from the file alone: nodes may be in any process.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "json.h"
#include "log.h"
#include "failure.h"
#include "random.h"

namespace ttp::fabric {

// What the file says; the same in each process.
class Workload {
public:
    struct Message {
        int from = 0, to = 0;
        uint64_t bytes = 0, start = 0;          // start: not before this clock
        uint32_t packets = 0, first = 0;        // first: its first packet's number in the flow
        int waits = 0;                          // for so many messages, which come to `from`
        std::vector<int> behind;                // those that wait for it
    };
    struct Flow {
        std::vector<int> messages;              // in their order
        uint32_t packets = 0;
    };

    // The longest packet has `packet` bytes.
    Workload(const std::string &path, int nodes, int packet) : packet_(packet), of_host_(nodes) {
        std::ifstream file(path);
        size_t count = 0;
        file >> count;
        messages_.resize(file ? count : 0);
        for (size_t at = 0; at < count && file; ++at) read(file, int(at));
        if (!file) throw Failure{"cannot read the workload " + path};
        for (auto &[ends, flow] : flows_) of_host_[ends.first].push_back(&flow);
    }
    Workload(const Workload &) = delete;
    Workload &operator=(const Workload &) = delete;

    uint64_t hash() const { return hash_; }     // of all that the file says
    const std::vector<Message> &messages() const { return messages_; }
    const std::vector<const Flow *> &flows(int from) const { return of_host_[from]; }
    // Of packet `number` of a message, from 0.
    int length(const Message &m, uint32_t number) const {
        return number + 1 < m.packets ? packet_ : int(m.bytes - uint64_t(number) * packet_);
    }
    // Of packet `number` of the flow.
    int length(int from, int to, uint32_t number) const {
        const Message &m = messages_[find(from, to, number)];
        return length(m, number - m.first);
    }
    // The message that this packet is of.
    int find(int from, int to, uint32_t number) const {
        auto flow = flows_.find({from, to});
        if (flow == flows_.end() || number >= flow->second.packets)
            throw Failure{"host " + std::to_string(to) + " has packet " + std::to_string(number)
                          + " of host " + std::to_string(from) + ", which no message has"};
        const std::vector<int> &all = flow->second.messages;
        auto behind = std::upper_bound(all.begin(), all.end(), number, [&](uint32_t n, int m) {
            return n < messages_[m].first;
        });
        return *(behind - 1);
    }
    // The youngest `start`.
    uint64_t last_start() const {
        uint64_t last = 0;
        for (const Message &m : messages_) last = std::max(last, m.start);
        return last;
    }

private:
    void read(std::istream &file, int at) {
        Message &m = messages_[at];
        file >> m.from >> m.to >> m.bytes >> m.start >> m.waits;
        for (int n = 0, other = 0; n < m.waits && file >> other; ++n)
            messages_.at(other).behind.push_back(at), hash_ = mix(hash_ ^ uint64_t(other));
        for (uint64_t value : {uint64_t(m.from), uint64_t(m.to), m.bytes, m.start})
            hash_ = mix(hash_ ^ value);
        if (!file || m.from < 0 || m.from >= int(of_host_.size()))
            return file.setstate(file.failbit);
        m.packets = uint32_t((m.bytes + packet_ - 1) / packet_);
        Flow &flow = flows_[{m.from, m.to}];
        m.first = flow.packets;
        flow.packets += m.packets;
        flow.messages.push_back(at);
    }

    int packet_;
    uint64_t hash_ = 0;
    std::vector<Message> messages_;
    std::map<std::pair<int, int>, Flow> flows_;     // by source and destination
    std::vector<std::vector<const Flow *>> of_host_;
};

// A node's part of it: what it sends next, and what has come to it.
class Player {
public:
    Player(const Workload &workload, int self) : w_(workload), self_(self) {
        for (const Workload::Flow *flow : w_.flows(self)) {
            sending_.push_back({flow, 0, 0});
            for (int at : flow->messages) {
                waits_[at] = w_.messages()[at].waits;
                left_ += w_.messages()[at].packets;
            }
        }
    }
    // Destinations of the next packets: one of each message that may go.
    std::vector<int> round(uint64_t clock) {
        std::vector<int> all;
        for (Sending &s : sending_) {
            if (s.at == s.flow->messages.size()) continue;
            const int at = s.flow->messages[s.at];
            const Workload::Message &m = w_.messages()[at];
            if (clock < m.start || waits_[at]) continue;
            all.push_back(m.to);
            if (++s.given == m.packets) ++s.at, s.given = 0;
        }
        left_ -= all.size();
        return all;
    }
    void arrived(int from, uint32_t number) {
        const int at = w_.find(from, self_, number);
        const Workload::Message &m = w_.messages()[at];
        if (number + 1 < m.first + m.packets) return;       // a flow's packets come in order
        for (int other : m.behind) --waits_[other];
    }
    bool all_given() const { return !left_; }
    template <typename Archive>
    void state(Archive &a) {
        a & waits_ & left_;
        for (Sending &s : sending_) a & s.at & s.given;
    }

private:
    struct Sending { const Workload::Flow *flow; size_t at; uint32_t given; };

    const Workload &w_;
    const int self_;
    std::vector<Sending> sending_;              // by flow
    std::map<int, int> waits_;                  // of its messages: for so many others
    uint64_t left_ = 0;                         // packets
};

// When each message was sent and was there, as process 0 hears it.
class Played {
public:
    explicit Played(const Workload &workload)
        : w_(workload), began_(w_.messages().size(), NEVER), completed_(w_.messages().size()) {}

    // Packet `number` of its flow.
    void sent(const Record &r, uint32_t number) {
        uint64_t &began = began_[w_.find(r.node, r.peer, number)];
        began = std::min(began, r.since);
    }
    void delivered(const Record &r) {
        const int at = w_.find(r.peer, r.node, r.number);
        const Workload::Message &m = w_.messages()[at];
        if (r.number + 1 == m.first + m.packets) completed_[at] = r.clock + 1;
    }

    template <typename Archive>
    void state(Archive &a) { a & began_ & completed_; }
    // `began`: clock in which it was first offered; `completed`: in which all of it was there.
    void write(Json &json) const {
        json.rows("messages");
        for (size_t at = 0; at < completed_.size(); ++at) {
            json.row().put("packets", w_.messages()[at].packets);
            json.put("start", w_.messages()[at].start);
            if (began_[at] != NEVER) json.put("began", began_[at]);
            if (completed_[at]) json.put("completed", completed_[at]);
            json.end();
        }
        json.end_rows();
    }

private:
    static constexpr uint64_t NEVER = ~0ull;
    const Workload &w_;
    std::vector<uint64_t> began_, completed_;
};

}  // namespace ttp::fabric
