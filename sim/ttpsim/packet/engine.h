// One engine: its queues, memories by their numbers of places, and what becomes of each event.
//
// An event is judged in the clock in which the interlock lets it in (`rtl/ttpoe/pipeline`); what
// follows leaves `HAND_OUT` clocks later. The other headers of this folder define the methods.
#pragma once

#include <functional>
#include <utility>

#include "events.h"
#include "lfsr.h"
#include "link.h"
#include "random.h"

namespace ttp::packet {

// Clocks from one thing to the next, as in the RTL; tests/sim/test_packet.py compares.
namespace clocks {
inline constexpr int DOOR = 3;          // from a source's offer to the door of the pipeline
inline constexpr int ASIDE = 4;         // from an offer to a Q0 that knows that it waits aside,
inline constexpr int NEXT_ASIDE = 2;    // or from the entry of the one that did so before
inline constexpr int RECEIVE = 2;       // from a frame's last beat to its offer
inline constexpr int HAND_OUT = 8;      // from the door to what follows
inline constexpr int START = 2;         // from a control frame in its queue to its first beat,
inline constexpr int BEGIN = WB == 8 ? 2 : WB == 16 ? 3 : 4;    // from a PAYLOAD in its queue,
inline constexpr int BEHIND = WB < 32 ? 1 : 3;  // or from the drop of the one in front of it
inline constexpr int KILLED = 2;        // from a slot that is handed out as free to a queue that knows
inline constexpr int LAW_NOW = 9;       // from the door to the time that the law takes
inline constexpr int LAW_SEEN = 14;     // from the door to what the gate can see of it
inline constexpr int FORWARDED = 6, APART = 9;  // between events of one row
inline constexpr int READY = 2;         // from a link's push to the front of its ready queue
inline constexpr int DELIVER = 3;       // from the verdict to the first beat at the host
inline constexpr int LAW_COUNT = 13;    // from the door to a new load,
inline constexpr int LAW_LOOK = 3;      // or from the end of an interval
inline constexpr int CODE_LOAD = 6, CODE_RANDOM = 5;    // in front of the frame's first beat
inline constexpr int CREDITED = 2;      // from a PAYLOAD's first beat to room for another,
inline constexpr int UNUSED = 10;       // or from the door, of an event that sends none
inline constexpr int RETRY = 2;         // from an ACK at the door to a blocked host port
inline constexpr int SLOT = 2;          // from a free slot to a host port that may begin
inline constexpr int LOOKS = 3, LOOKS_ALONE = 4;        // the gate's, at each of those that wait
inline constexpr int JUDGED = 4;        // from the door to what is known of the walk along a list
inline constexpr int HOP = 2;           // from one slot of a list to the next
inline constexpr int SOURCE = 3;        // from one event of a source to its next one
inline constexpr int JOB = 3;           // from a look-up that is wanted to its first LOOK,
inline constexpr int NEXT_JOB = 2;      // or from the last answer of the one before
}  // namespace clocks

inline constexpr int RUN = 16;          // slots that one RETIRE frees at most
inline constexpr int AHEAD = 2;         // LOOKs of a look-up that are under way, and ASKs of a round

// What is set from outside, for one engine.
struct EngineSettings {
    int link_slots = 0, tick = 0, links = LINKS;
    uint8_t says = 0, hears = 0;        // codes of a liar; 0: the true ones
    bool selective = true, congestion = true;
    uint32_t open_id_seed = 0;
    uint64_t ready = 0;                 // clocks from reset to clock 0
};

struct Counts {
    uint64_t opened = 0, delivered = 0, delivered_kept = 0, kept = 0, kept_nacked = 0, nack_gap = 0,
             nack_run = 0, drop_unkept = 0, drop_duplicate = 0, drop_gap = 0, drop_no_room = 0,
             drop_unexpected = 0, drop_bad_ack = 0, ack_retired = 0, nack_replayed = 0,
             timer_replayed = 0, payload_replayed = 0, payload_sent = 0, link_held = 0,
             host_blocked = 0, echo_heard = 0, nack_queue_full = 0, window_cut = 0;
};

enum What : uint8_t {
    AT_SWITCH, AT_HOST, OFFERED, RECEIVED, HOST_BEGINS, HOST_DONE, HOST_EVENT, RESULT, PUSH, VISIT,
    GATE_EXIT, CREDIT, PUMP, SEEK, REPLAY, WALKED, TICK, TIMER, LOOK, ASK, RETIRE, SENT, TRANSMIT,
    DELIVERED, INTERVAL, ROW,
};

class Engine;

// What all engines have in common.
struct World {
    Events events;
    Frames frames;
    Links links;
    Counts counts;
    // A frame leaves the engine: its first beat is in this clock.
    std::function<void(int node, uint32_t frame, uint64_t clock)> sends;
    // The next packet of the host: false if it has none. Bytes and destination.
    std::function<bool(int node, int vc, int &to, int &bytes)> host_offers;
    std::function<int(int node, int to, int vc, uint32_t number)> length;
    std::function<void(int node, const Link &link, uint32_t number)> delivered;
    std::function<uint64_t(int node, uint64_t clock)> rx_beats; // that have come before this clock
    std::function<uint64_t(uint64_t clock, int beats)> host_reads;  // clock of the last one
};

class Engine {
public:
    Engine(World &world, int node, const EngineSettings &settings)
        : w_(world), node_(node), s_(settings), random_(settings.open_id_seed),
          open_id_(settings.open_id_seed & 0x7FFF'FFFF), free_slots_(SLOTS),
          places_(4 * REORDER_SLOTS) {}

    // One of `What`, for this engine.
    void happens(const Happening &event);
    void host_offer(int vc, uint64_t clock) { host_try(vc, clock); }
    int free_slots() const { return free_slots_; }
    const Load &load() const { return load_; }

private:
    struct HostPort {
        bool writing = false, complete = false, raised = false, waiting = false, blocked = false,
             retry = false;
        int to = 0, event_to = 0;       // destinations of the packet, and of the event
        uint64_t may_begin = 0, offered = 0;
        int left = 0;                   // clocks of the packet that is written ...
        int more = 0;                   // ... and those in which an urgent one was instead
    };
    struct Queued { uint32_t frame; uint64_t at, dead_from = ~0ull; };
    struct Range { uint32_t link, first, last; };
    struct Look { uint32_t id; bool ahead; };
    struct Job { uint32_t link; uint64_t at; };
    // Kept packets are looked for, link by link.
    struct LookUp {
        std::deque<Job> jobs;           // the one that is served included
        std::deque<Look> under_way;
        uint64_t idle_from = 0;
        uint32_t id = 0;                // of the next LOOK, at first that of another look-up
        bool ahead = false, known = false, missed = false, over = false;
    };
    // A round of questions for what is missing of a link.
    struct Questions {
        std::deque<uint32_t> under_way;
        uint32_t link = 0, id = 0, before_run = 0;  // the ID in front of those that are missing
        bool run = false, over = false;
    };

    // ---- time ----
    uint64_t now() const { return w_.events.now(); }
    uint16_t line_time(uint64_t clock) const { return (clock + s_.ready) / (64 / WB); }
    void later(uint64_t clock, What what, uint32_t link = 0) {
        w_.events.at(clock, what, node_, link);
    }
    // A source of its own has an event for the link in this clock; of those of one clock the most
    // urgent is the first, received frames before all others.
    void offer(uint64_t clock, What what, uint32_t number) {
        w_.events.at(clock, OFFERED, node_, number, what == RETIRE || what == ASK ? 3 : 1, what);
    }
    void pump_at(uint64_t clock) { w_.events.at(clock, PUMP, node_, 0, 2); }
    void tick(const Link &l, uint32_t number) {
        w_.events.at(visit_clock(l, now()), TICK, node_, number, 4);
    }

    // ---- door.h ----
    uint64_t admit(int row);
    bool hindered(int row);
    void enter(int row, What what, uint32_t number);
    void row_free(int row);
    Link &link(uint32_t number) { return w_.links[number]; }
    void place(Link &l);
    void awake(Link &l, uint32_t number);
    uint64_t visit_clock(const Link &l, uint64_t after) const;
    uint64_t turn() const;
    int64_t round(uint64_t clock) const;
    bool slow() const { return slow_round_ >= 0 && round(now()) - slow_round_ < law::SLOW_ROUNDS; }
    void fresh(Link &l);
    int limit(const Link &l) const;

    // ---- slots.h ----
    int passed() const;
    bool stands(const Link &l, int slots) const { return l.walking && passed() < slots; }
    bool keeps_slots(const Link &l, uint32_t number) const;
    void free_slot(Link &l, uint32_t number);
    void free_slots(Link &l, int count);
    void wants(Link &l, uint32_t number, bool keeps, bool retired = false);
    void retire_run(uint32_t number);

    // ---- host_port.h ----
    void host_try(int vc, uint64_t clock);
    void host_done(int vc);
    void host_raise(int vc, uint64_t clock);
    void host_event(int vc);
    void host_result(int vc);
    void retry(uint64_t clock);

    // ---- send.h ----
    void pump();
    void credit_back(uint64_t clock) { later(clock, CREDIT); }
    void send_payload(Link &l, uint32_t number, uint32_t id, bool first, bool more);
    void send_current(Link &l, uint32_t number);
    void push(Link &l, uint32_t number, uint64_t clock);
    void ready(uint32_t number);
    void visit(uint32_t number);
    void gate_enter(uint32_t number, uint64_t clock);
    void gate_plan(Link &l, uint32_t number);
    void gate_exit(uint32_t number, uint16_t version);
    void settle(Link &l, uint32_t number) { settle(l, number, keeps_slots(l, number)); }
    void settle(Link &l, uint32_t number, bool keeps);

    // ---- replay.h ----
    void range(uint32_t number, uint32_t first, uint32_t last);
    void seek();
    void replay(uint32_t number);
    void walk_on(uint64_t clock, int hops);
    void walked(uint32_t number);

    // ---- transmit.h ----
    void control(Frame frame, uint64_t clock);
    void transmit();
    void drop_killed();
    void withdraw(uint32_t number);
    void kill(uint32_t number, uint32_t id, uint64_t clock);
    uint8_t code(uint64_t start);
    uint8_t told(const Frame &f) const { return s_.hears && f.code ? s_.hears : f.code; }

    // ---- receive.h ----
    void receive(uint32_t frame);
    void opened(Link &l, uint32_t number, const Frame &f);
    void open_acked(Link &l, uint32_t number, const Frame &f);
    void payload(Link &l, uint32_t number, const Frame &f);
    void behind_gap(Link &l, uint32_t number, const Frame &f, bool room, bool &new_gap);
    void answer(Kind kind, uint32_t number, uint32_t rx, uint32_t tx = 0);
    void deliver(Link &l, uint32_t number, uint32_t id, int bytes, bool kept);
    void acked(Link &l, uint32_t number, const Frame &f);
    void nacked(Link &l, uint32_t number, const Frame &f);
    void nacked_range(Link &l, uint32_t number, const Frame &f);
    bool retire(Link &l, uint32_t number, int count);
    void counted(Link &l, bool is);
    bool room(int vc) const;
    size_t place_of(const Link &l, uint32_t id) const;

    // ---- look_up.h ----
    void look_up(uint32_t number);
    void begin_look_up();
    void raise_look(uint64_t clock);
    void look(uint32_t number);
    void looked(const Link &l, bool hit);
    void raise_ask(uint64_t clock);
    void begin_asking(const Link &l, uint32_t number);
    void ask(uint32_t number);
    void ask_or_nack(Link &l, uint32_t number);

    // ---- timer.h ----
    void timer(uint32_t number);
    void interval();

    World &w_;
    const int node_;
    const EngineSettings s_;
    Lfsr random_;
    Load load_;
    uint32_t open_id_;
    int free_slots_;
    // the door of the pipeline
    struct Entry { int row = -1; uint64_t clock = 0; };
    std::array<Entry, 10> doors_{};
    int door_ = 0;
    struct Aside { int row; uint64_t from, until; };
    struct Held { int row; What what; uint32_t number; };
    std::vector<Aside> asides_;         // of these rows Q0 chooses no event in these clocks,
    std::deque<Held> offered_;          // so these wait for their turn
    // queues
    HostPort ports_[3];
    int credits_ = PAYLOAD_DEPTH, turns_ = 0;
    std::deque<uint32_t> ready_[3];
    bool visiting_[3] = {};             // a link stands in front of Q0 ...
    uint64_t visit_at_[3] = {};         // ... since this clock
    uint32_t visitor_[3] = {};
    int gated_ = 0;                     // links that wait in the gate,
    uint64_t gate_phase_ = 0;           // which looked at the last of them first in this clock
    std::deque<Queued> controls_, payloads_;
    uint64_t wire_free_ = 0, payload_from_ = 0, transmit_at_ = ~0ull;
    int controls_in_a_row_ = 0;
    // selective replay
    std::deque<Range> ranges_;
    bool seeking_ = false, walks_ = false, replaying_ = false;
    uint64_t replay_at_ = 0;
    uint32_t walk_link_ = 0, walk_id_ = 0, walk_last_ = 0, walk_passed_ = 0;
    int walk_slots_ = 0, walk_hops_ = 0, walk_freed_ = 0;   // see `passed`
    uint64_t walk_hops_from_ = 0;
    // slots that are freed in a run
    bool retiring_ = false;
    uint32_t retire_link_ = 0;
    int retire_count_ = 0;
    // receiving
    std::vector<bool> places_;          // of the directory of kept packets
    int held_[3] = {}, kept_ = 0;       // receive slots
    uint64_t reader_free_[3] = {};
    struct Waiting { uint32_t link, id; bool kept; };
    std::deque<Waiting> reading_[3];
    LookUp look_up_;
    Questions ask_;
    int64_t slow_round_ = -1;
    uint64_t looked_beats_ = 0;
    std::vector<bool> lids_;
};

}  // namespace ttp::packet
