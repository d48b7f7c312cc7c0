// What each node and each flow has done, for `--results`. A flow is (source, destination, VC).
#pragma once

#include <map>
#include <tuple>

#include "json.h"
#include "log.h"
#include "watch.h"

namespace ttp::fabric {

// A packet whose last beat the engine has taken; `begun`: the clock in which it was first offered.
struct Sent {
    int from = 0, to = 0, vc = 0, bytes = 0;
    uint64_t begun = 0;
};

class Results {
public:
    explicit Results(int nodes) : received_(nodes) {}

    void sent(const Record &s) {
        Done &d = flows_[{s.node, s.peer, s.vc}];
        ++d.sent;
        d.first = std::min(d.first, s.since);
        d.under_way.push_back(s.since);
    }
    // All of the packet that the flow has sent longest ago is there.
    void delivered(const Record &r) {
        Done &d = flows_[{r.peer, r.node, r.vc}];
        ++d.delivered;
        d.bytes += r.bytes;
        d.last = r.clock + 1;
        d.took.push_back(d.last - d.under_way.front());
        d.under_way.pop_front();
        ++received_[r.node].packets;
        received_[r.node].bytes += r.bytes;
    }

    void state(Archive &a) { a & flows_ & received_; }

    // `watch(node)`: what its engine has counted, null for a module.
    template <typename Watched>
    void write(Json &json, Watched watch) {
        std::vector<Done> nodes(received_.size());
        for (auto &[key, flow] : flows_) nodes[std::get<0>(key)].add(flow);
        json.rows("nodes");
        for (int node = 0; node < int(nodes.size()); ++node) {
            json.row().put("node", node);
            nodes[node].write(json);
            json.put("received", received_[node].packets);
            json.put("received_bytes", received_[node].bytes);
            const Watch *w = watch(node);
            json.put("replays", w ? w->stat("payload_replayed") : 0);
            json.put("timeouts", w ? w->stat("timed_out") + w->stat("timer_replayed") : 0);
            json.end();
        }
        json.end_rows().rows("flows");
        for (auto &[key, flow] : flows_) {
            auto [from, to, vc] = key;
            json.row().put("from", from).put("to", to).put("vc", vc);
            flow.write(json);
            json.end();
        }
        json.end_rows();
    }

private:
    static constexpr uint64_t NEVER = ~0ull;
    struct Received { uint64_t packets = 0, bytes = 0; };
    struct Done {
        uint64_t sent = 0, delivered = 0, bytes = 0, first = NEVER, last = 0;
        std::deque<uint64_t> under_way;         // when they were offered
        std::vector<uint32_t> took;             // clocks, of each that is there

        void state(Archive &a) {
            a & sent & delivered & bytes & first & last & under_way & took;
        }
        void add(const Done &other) {
            sent += other.sent;
            delivered += other.delivered;
            bytes += other.bytes;
            first = std::min(first, other.first);
            last = std::max(last, other.last);
            took.insert(took.end(), other.took.begin(), other.took.end());
        }
        // Without a packet delivered there is no last clock, and no time that it took.
        void write(Json &json) {
            json.put("sent", sent).put("delivered", delivered).put("bytes", bytes);
            if (first != NEVER) json.put("first", first);
            if (took.empty()) return;
            json.put("last", last);
            std::sort(took.begin(), took.end());
            auto at = [&](size_t percent) {
                return took[std::min(took.size() - 1, took.size() * percent / 100)];
            };
            json.put("p50", at(50)).put("p90", at(90)).put("p99", at(99));
            json.put("max", took.back());
        }
    };

    std::map<std::tuple<int, int, int>, Done> flows_;
    std::vector<Received> received_;
};

}  // namespace ttp::fabric
