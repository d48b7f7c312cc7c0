// Messages that a file lists: who sends how much to whom, from which clock on, after which others.
// workload.py has checked it. All that decides when a message goes is known to its source, and
// how long a packet is follows from the file alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine.h"
#include "json.h"

namespace ttp::fabric {

class Workload {
public:
    static constexpr uint64_t NEVER = ~0ull;
    struct Message {
        int from = 0, to = 0;
        uint64_t bytes = 0, start = 0;          // start: not before this clock
        uint32_t packets = 0, first = 0;        // first: its first packet's number in the flow
        uint32_t given = 0, arrived = 0;        // packets
        int waits = 0;                          // for so many messages that have not arrived
        std::vector<int> behind;                // those that wait for it
        uint64_t began = NEVER, completed = 0;  // clock in which it was offered; and was there
    };

    // The longest packet has `packet` bytes.
    Workload(const std::string &path, int nodes, int packet) : packet_(packet), of_host_(nodes) {
        std::ifstream file(path);
        size_t count = 0;
        file >> count;
        messages_.resize(count);
        for (size_t at = 0; at < count && file; ++at) read(file, int(at));
        if (!file) throw Failure{"cannot read the workload " + path};
        for (auto &[ends, flow] : flows_) of_host_[ends.first].push_back(&flow);
    }
    Workload(const Workload &) = delete;
    Workload &operator=(const Workload &) = delete;

    const std::vector<Message> &messages() const { return messages_; }
    // Of packet `number` of a message, from 0.
    int length(const Message &m, uint32_t number) const {
        return number + 1 < m.packets ? packet_ : int(m.bytes - uint64_t(number) * packet_);
    }
    // Of packet `number` of the flow.
    int length(int from, int to, uint32_t number) const {
        const Message &m = messages_[find(from, to, number)];
        return length(m, number - m.first);
    }

    // Destinations of a host's next packets: one of each message that may go now.
    std::vector<int> round(int self, uint64_t clock) {
        std::vector<int> all;
        for (Flow *flow : of_host_[self]) {
            if (flow->sending == flow->messages.size()) continue;
            Message &m = messages_[flow->messages[flow->sending]];
            if (m.waits || clock < m.start) continue;
            all.push_back(m.to);
            m.began = std::min(m.began, clock);
            if (++m.given == m.packets) ++flow->sending;
        }
        given_ += all.size();
        return all;
    }
    void arrived(int from, int to, uint32_t number, uint64_t clock) {
        ++arrived_;
        Message &m = messages_[find(from, to, number)];
        if (++m.arrived < m.packets) return;
        m.completed = clock;
        for (int other : m.behind) --messages_[other].waits;
    }
    // Nothing is on its way.
    bool idle() const { return given_ == arrived_; }

    void write(Json &json) const {
        json.rows("messages");
        for (const Message &m : messages_) {
            json.row().put("packets", m.packets).put("start", m.start);
            if (m.began != NEVER) json.put("began", m.began);
            if (m.completed) json.put("completed", m.completed);
            json.end();
        }
        json.end_rows();
    }

private:
    struct Flow {
        std::vector<int> messages;              // in their order
        size_t sending = 0;
        uint32_t packets = 0;
    };

    void read(std::istream &file, int at) {
        Message &m = messages_[at];
        file >> m.from >> m.to >> m.bytes >> m.start >> m.waits;
        for (int n = 0, other = 0; n < m.waits && file >> other; ++n)
            messages_.at(other).behind.push_back(at);
        if (!file || m.from < 0 || m.from >= int(of_host_.size())) return file.setstate(file.failbit);
        m.packets = uint32_t((m.bytes + packet_ - 1) / packet_);
        Flow &flow = flows_[{m.from, m.to}];
        m.first = flow.packets;
        flow.packets += m.packets;
        flow.messages.push_back(at);
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

    int packet_;
    std::vector<Message> messages_;
    std::map<std::pair<int, int>, Flow> flows_;     // by source and destination
    std::vector<std::vector<Flow *>> of_host_;
    uint64_t given_ = 0, arrived_ = 0;              // packets
};

}  // namespace ttp::fabric
