// Engines of one configuration: `MAKE_ENGINES` is the name of the function that makes them.

#include "edge.h"
#include "engines.h"

namespace ttp::fabric { namespace {

class Seats : public Engines {
public:
    explicit Seats(const Settings &settings) : s_(settings) {}

    void add(Node &node) override {
        const uint64_t seed = s_.seed * 4096 + node.self;
        engines_.push_back(std::make_unique<Engine>(0, seed, uint32_t(mix(seed))));
        nodes_.push_back(&node);
        Engine &e = *engines_.back();
        Vengine *top = e.top.get();
        top->cfg_node = NODE_BASE + node.self;
        top->cfg_ieee = 1;
        top->cfg_link_slots = s_.is_old(node.self) ? s_.old_slots : s_.link_slots;
        if (s_.tick) top->cfg_timer_tick = s_.tick;
        top->cfg_selective = s_.selective;
#ifdef TTP_HAS_CONGESTION
        top->cfg_congestion = s_.congestion && !s_.is_old(node.self);
#endif
        top->m_mac_tx_tready = 1;
        for (int vc = 0; vc < VCS; ++vc) e.host_in(vc, Beat{}, 0);
    }

    void reset() override {
        for (auto &e : engines_) {
            for (int n = 0; n < 4; ++n) { e->top->rst = 1; e->low(); e->high(); }
            e->top->rst = 0;
            for (int n = 0; !e->top->ready; ++n) {
                if (n > 100'000) throw Failure{"an engine does not become ready"};
                e->low();
                e->high();
            }
        }
    }

    // So many engines as share the processor's caches go through all clocks, then the next ones.
    void run(uint64_t from, uint64_t to) override {
        const size_t step = s_.batch ? s_.batch : 1;
        for (size_t at = 0; at < nodes_.size(); at += step)
            some(at, std::min(at + step, nodes_.size()), from, to);
    }

    // All that a model is lies between its begin and the pointers at its end.
    void state(Archive &a) override {
        for (auto &e : engines_) {
            auto *root = e->top->rootp;
            char *begin = reinterpret_cast<char *>(root);
            a.raw(begin, reinterpret_cast<char *>(&root->vlSymsp) - begin);
        }
    }

    bool idle() const override {
        for (auto &e : engines_) if (e->top->free_slots != SLOTS) return false;
        return true;
    }

private:
    void some(size_t first, size_t end, uint64_t from, uint64_t to) {
        std::vector<Engine *> live;
        for (uint64_t clock = from; clock < to; ++clock) {
            live.clear();
            for (size_t at = first; at < end; ++at) {
                Node &node = *nodes_[at];
                if (!node.dead) one(node, *engines_[at], clock);
                if (node.dead) node.out->put(clock, Beat{});
                else live.push_back(engines_[at].get());
            }
            clock_edge(live, s_.batch);
        }
    }

    static void one(Node &node, Engine &e, uint64_t clock) {
        try {
            node.begin(clock);
            e.rx(node.hears.of(node.in->at(clock)));
            node.host.before(e, clock, node.begins);
            e.low();
            const Beat goes = node.says.of(e.tx());
            node.out->put(clock, goes);
            node.watch.look(node.self, e);
            if (node.sampled) law(node, e);
            node.host.after(e, [&](int source, int vc, uint32_t number, int bytes) {
                node.delivered(clock, source, vc, number, bytes);
            });
            node.end(clock, node.in->at(clock), goes);
        } catch (const Failure &error) {
            node.fails(clock, error);
        }
    }

    // The law's record of the DATA link that is drawn, if the engine has one in this clock.
    static void law([[maybe_unused]] Node &node, [[maybe_unused]] const Engine &e) {
#ifdef TTP_HAS_LAW
        const Vengine *top = e.top.get();
        if (!top->law_valid || !top->law_touched) return;
        const Tag tag = e.tag(top->law_lid);
        if (tag.get(TAG_vc, 2) == DATA && tag.get(TAG_node, 24) == node.partner())
            node.law = {top->law_window, top->law_gap};
#endif
    }

    const Settings &s_;
    std::vector<std::unique_ptr<Engine>> engines_;
    std::vector<Node *> nodes_;
};

}  // namespace

std::unique_ptr<Engines> MAKE_ENGINES(const Settings &settings) {
    return std::make_unique<Seats>(settings);
}

}  // namespace ttp::fabric
