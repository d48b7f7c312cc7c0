// Engines of one configuration: `MAKE_ENGINES` is the name of the function that makes them.

#include "engines.h"
#include "lanes.h"
#include "sleep.h"

namespace ttp::fabric { namespace {

class Seats : public Engines {
    struct Seat {
        std::unique_ptr<Engine> engine;
        Node *node;
        Sleep *sleep = nullptr;         // it has had no input
        Lane *lane = nullptr;           // where the engine's state is, if it is one of many
        bool goes = false;              // it is evaluated in this clock
        std::vector<char> begin;        // its state after reset, to prove by

        template <typename With>
        auto with(With what) const { return lane ? what(*lane) : what(*engine); }
    };

public:
    explicit Seats(const Settings &settings) : s_(settings) {}

    void add(Node &node) override {
        seats_.push_back({make(node.self), &node});
    }

    void reset() override {
        for (Seat &seat : seats_) {
            reset(*seat.engine);
            if (s_.skip) put_to_sleep(seat);
        }
    }

    // So many engines as share the processor's caches go through all clocks, then the next ones.
    void run(uint64_t from, uint64_t to) override {
        for (auto &[old, sleep] : sleep_) sleep->run(from);
        const size_t step = s_.batch ? s_.batch : 1, most = Lanes::MOST;
        for (size_t at = 0; at < seats_.size(); at += most) {
            const size_t end = std::min(at + most, seats_.size());
            if (Lanes *lanes = s_.lanes ? together(at, end) : nullptr) some(at, end, lanes, from, to);
            else for (size_t next = at; next < end; next += step)
                some(next, std::min(next + step, end), nullptr, from, to);
        }
    }

    // Who sleeps is as after reset, which need not be kept.
    void state(Archive &a) override {
        for (size_t at = 0; at < seats_.size(); ++at) {
            Seat &seat = seats_[at];
            if (seat.lane) lanes_[at / Lanes::MOST]->copy(at % Lanes::MOST);
            bool asleep = seat.sleep;
            a & asleep;
            if (!asleep) woken(seat);
            const auto model = state_of(*seat.engine);
            if (!asleep || s_.skip == PROVE) a.raw(model.data(), model.size());
        }
        for (auto &[old, sleep] : sleep_) a & *sleep;
        a & clocks_;
    }

    bool idle() const override {
        for (const Seat &seat : seats_)
            if (!seat.sleep && !seat.with([](auto &e) { return e.top->free_slots == SLOTS; }))
                return false;
        return true;
    }
    EngineClocks clocks() const override { return clocks_; }
    uint64_t state_bytes() const override {
        uint64_t all = 0;
        for (const Seat &seat : seats_) all += state_of(*seat.engine).size();
        return all;
    }

private:
    static constexpr int PROVE = 2;     // of `skip`: who sleeps is evaluated all the same

    std::unique_ptr<Engine> make(int node) const {
        const uint64_t seed = s_.seed * 4096;
        auto e = std::make_unique<Engine>(0, seed, uint32_t(mix(seed + node)));
        Vengine *top = e->top.get();
        top->cfg_node = NODE_BASE + node;
        top->cfg_ieee = 1;
        top->cfg_link_slots = s_.is_old(node) ? s_.old_slots : s_.link_slots;
        if (s_.tick) top->cfg_timer_tick = s_.tick;
        top->cfg_selective = s_.selective;
#ifdef TTP_HAS_CONGESTION
        top->cfg_congestion = s_.congestion && !s_.is_old(node);
#endif
        top->m_mac_tx_tready = 1;
        for (int vc = 0; vc < VCS; ++vc) e->host_in(vc, Beat{}, 0);
        return e;
    }
    static void reset(Engine &e) {
        for (int n = 0; n < 4; ++n) { e.top->rst = 1; e.low(); e.high(); }
        e.top->rst = 0;
        for (int n = 0; !e.top->ready; ++n) {
            if (n > 100'000) throw Failure{"an engine does not become ready"};
            e.low();
            e.high();
        }
    }

    // Engines with the same registers sleep together.
    void put_to_sleep(Seat &seat) {
        auto &sleep = sleep_[s_.is_old(seat.node->self)];
        if (!sleep) {
            auto engine = make(seat.node->self);
            reset(*engine);
            sleep = std::make_unique<Sleep>(s_, std::move(engine));
        }
        seat.sleep = sleep.get();
        ++sleep->waiting;
        const auto model = state_of(*seat.engine);
        if (s_.skip == PROVE) seat.begin.assign(model.begin(), model.end());
    }
    static void woken(Seat &seat) {
        if (seat.sleep) --seat.sleep->waiting;
        seat.sleep = nullptr;
    }
    void wake(Seat &seat, uint64_t clock) {
        if (s_.skip == PROVE) prove(seat, clock);
        else seat.sleep->wake(*seat.engine, clock);
        woken(seat);
    }
    // One that slept would be as this one is, which did not.
    void prove(const Seat &seat, uint64_t clock) {
        if (!spare_) {
            spare_ = make(seat.node->self);
            reset(*spare_);
        }
        const auto found = state_of(*spare_), wanted = state_of(*seat.engine);
        std::copy(seat.begin.begin(), seat.begin.end(), found.begin());
        seat.sleep->wake(*spare_, clock);
        const auto other = std::mismatch(found.begin(), found.end(), wanted.begin()).first;
        if (other != found.end())
            throw Failure{"an engine that is woken differs from one that was not skipped, in byte "
                          + std::to_string(other - found.begin())};
    }

    // The lanes of these engines; null if too few are awake to be worth it.
    Lanes *together(size_t first, size_t end) {
        int awake = 0;
        for (size_t at = first; at < end; ++at) awake += !seats_[at].sleep;
        if (awake < Lanes::LEAST) return nullptr;
        lanes_.resize(seats_.size() / Lanes::MOST + 1);
        auto &lanes = lanes_[first / Lanes::MOST];
        if (!lanes) {
            if (!filler_) reset(*(filler_ = make(0)));
            lanes = std::make_unique<Lanes>(*filler_);
        }
        for (size_t at = first; at < end; ++at) {
            Seat &seat = seats_[at];
            if (!seat.sleep && !seat.lane) seat.lane = &lanes->bring(at - first, *seat.engine);
        }
        return lanes.get();
    }

    void some(size_t first, size_t end, Lanes *lanes, uint64_t from, uint64_t to) {
        std::vector<Engine *> alone;
        for (uint64_t clock = from; clock < to; ++clock) {
            alone.clear();
            for (size_t at = first; at < end; ++at) {
                Seat &seat = seats_[at];
                seat.goes = before(seat, clock);
                if (seat.goes && !seat.lane) alone.push_back(seat.engine.get());
            }
            if (lanes) lanes->low();
            for (Engine *e : alone) e->low();
            for (size_t at = first; at < end; ++at)
                if (Seat &seat = seats_[at]; !seat.goes || !after(seat, clock))
                    seat.node->out->put(clock, Beat{});
            if (lanes) lanes->edge();
            clock_edge(alone, s_.batch);
        }
    }

    // What a node gives its engine in this clock; whether that is to be evaluated.
    bool before(Seat &seat, uint64_t clock) {
        Node &node = *seat.node;
        if (!node.dead) try {
            node.begin(clock);
            const Beat &comes = node.in->at(clock);
            if (seat.sleep && (comes.valid || node.host.offers(clock, node.begins)))
                wake(seat, clock);
            clocks_.skipped += bool(seat.sleep);
            clocks_.in_lanes += bool(seat.lane);
            if (seat.sleep && s_.skip != PROVE) {
                node.end(clock, comes, Beat{});
                return false;
            }
            seat.with([&](auto &e) {
                e.rx(node.hears.of(comes));
                node.host.before(e, clock, node.begins);
            });
            return true;
        } catch (const Failure &error) {
            node.fails(clock, error);
        }
        return false;
    }
    // What it makes of what comes out; false: a check has failed.
    static bool after(Seat &seat, uint64_t clock) {
        Node &node = *seat.node;
        try {
            seat.with([&](auto &e) { hears(node, e, clock); });
        } catch (const Failure &error) {
            node.fails(clock, error);
        }
        return !node.dead;
    }
    template <typename One>
    static void hears(Node &node, One &e, uint64_t clock) {
        const Beat goes = node.says.of(e.tx());
        node.out->put(clock, goes);
        node.watch.look(node.self, e);
        if (node.sampled) law(node, e);
        node.host.after(e, [&](int source, int vc, uint32_t number, int bytes) {
            node.delivered(clock, source, vc, number, bytes);
        });
        node.end(clock, node.in->at(clock), goes);
    }

    // The law's record of the DATA link that is drawn, if the engine has one in this clock.
    template <typename One>
    static void law([[maybe_unused]] Node &node, [[maybe_unused]] const One &e) {
#ifdef TTP_HAS_LAW
        const auto *top = e.top.get();
        if (!top->law_valid || !top->law_touched) return;
        const Tag tag = e.tag(top->law_lid);
        if (tag.get(TAG_vc, 2) == DATA && tag.get(TAG_node, 24) == node.partner())
            node.law = {top->law_window, top->law_gap};
#endif
    }

    const Settings &s_;
    std::vector<Seat> seats_;
    std::map<bool, std::unique_ptr<Sleep>> sleep_;      // by whether they are old
    std::unique_ptr<Engine> spare_, filler_;
    std::vector<std::unique_ptr<Lanes>> lanes_;         // of so many seats each
    EngineClocks clocks_;
};

}  // namespace

std::unique_ptr<Engines> MAKE_ENGINES(const Settings &settings) {
    return std::make_unique<Seats>(settings);
}

}  // namespace ttp::fabric
