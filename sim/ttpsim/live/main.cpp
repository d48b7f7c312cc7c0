// One Verilated NIC between a wire and a host, in wall-clock time; started by sim/ttpsim/live/nic.py.
//
// While something moves the NIC is clocked as fast as this machine can. After QUIET clocks without
// a beat on any port it is clocked at the pace --idle-clock, which is what the link timer sees.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <poll.h>

#include "Vlive.h"
#include "capture.h"
#include "host.h"
#include "options.h"
#include "random.h"
#include "streams.h"
#include "verilated.h"
#include "wire.h"

namespace {

constexpr uint64_t QUIET = 256;         // longer than any frame takes inside the NIC
constexpr uint64_t SETTLE = 65536;      // most clocks until an answer, however busy the NIC is
constexpr int SLICE_MS = 4;             // of idle clocks at a time
constexpr size_t QUEUED = 16;           // messages of the host that wait for one VC
constexpr size_t SHORTEST_FRAME = 60;   // on any Ethernet, without FCS
using Time = std::chrono::steady_clock;

volatile std::sig_atomic_t ended = 0;

struct Settings {
    std::string capture;
    int wire = 0, host = 0, os = 0, framing = 0;
    uint32_t node = 0, ieee = 0, selective = 1, seed = 1, tick = 0, retries = 0, link_slots = 0;
    uint64_t idle_clock = 1, loss = 0, loss_seed = 1;   // loss: frames of a million
};

Settings read(int count, char **words) {
    Settings s;
    ttp::Options("live")
        .number("--wire", s.wire)
        .number("--host", s.host)
        .number("--os", s.os)
        .number("--framing", s.framing)
        .number("--node", s.node)
        .number("--ieee", s.ieee)
        .number("--selective", s.selective)
        .number("--seed", s.seed)
        .number("--tick", s.tick)
        .number("--retries", s.retries)
        .number("--link-slots", s.link_slots)
        .number("--idle-clock", s.idle_clock)
        .number("--loss", s.loss)
        .number("--loss-seed", s.loss_seed)
        .text("--capture", s.capture)
        .read(count, words);
    return s;
}

class Live {
public:
    explicit Live(const Settings &settings)
        : settings_(settings), host_(settings.host), capture_(settings.capture),
          random_(settings.loss_seed) {
        context_.randReset(2);          // memories without a reset start with random contents
        context_.randSeed(int(settings.loss_seed % 0x7FFFFFFF) + 1);
        int file = int(settings.wire);
        if (settings.framing == 0) wire_ = std::make_unique<FrameWire>(file);
        else if (settings.framing == 1) wire_ = std::make_unique<StreamWire>(file, -1);
        else wire_ = std::make_unique<StreamWire>(-1, file);
        if (settings.os) os_ = std::make_unique<FrameWire>(int(settings.os));
        configure();
    }

    void run() {
        auto idle_from = Time::now();
        const double pace = double(settings_.idle_clock);
        while (!ended && !host_.closed) {
            const bool busy = clocks_ - active_ < QUIET && !standing_;
            wait(busy ? 0 : SLICE_MS);
            serve();
            if (asked_ && settled()) statistics();
            if (standing_) continue;
            if (busy || clocks_ == active_) {
                for (int n = 0; n < 32; ++n) clock();
                idle_from = Time::now();
                continue;
            }
            std::chrono::duration<double> passed = Time::now() - idle_from;
            const uint64_t due = uint64_t(std::min(passed.count(), 0.05) * pace);
            for (uint64_t n = 0; n < due && clocks_ - active_ >= QUIET; ++n) clock();
            if (due) idle_from = Time::now();
        }
    }

private:
    void configure() {
        top_.cfg_enable = top_.cfg_os_enable = 1;
        top_.cfg_node = settings_.node;
        top_.cfg_ieee = settings_.ieee;
        top_.cfg_selective = settings_.selective;
        top_.cfg_init_id = 1;
        top_.cfg_open_id_seed = settings_.seed;
        top_.cfg_timer_tick = settings_.tick;
        top_.cfg_max_retry = settings_.retries;
        top_.cfg_link_slots = settings_.link_slots;
        top_.rst = 1;
        for (int n = 0; n < 4; ++n) clock();
        top_.rst = 0;
    }

    void wait(int milliseconds) {
        auto events = [](const Wire &wire) {
            return short(POLLIN | (wire.wants_out() ? POLLOUT : 0));
        };
        pollfd files[] = {
            {host_.descriptor(), short(POLLIN | (host_.full() ? POLLOUT : 0)), 0},
            {wire_->descriptor(), events(*wire_), 0},
            {os_ ? os_->descriptor() : -1, short(os_ ? events(*os_) : 0), 0}};
        // A host whose messages cannot be taken would wake us for nothing.
        if (crowded()) files[0].events &= ~POLLIN;
        poll(files, 3, milliseconds);
    }

    bool crowded() const {
        for (auto &port : to_nic_) if (port.packets.size() >= QUEUED) return true;
        return false;
    }

    void serve() {
        Bytes bytes;
        Header header;
        host_.flush();
        while (!crowded() && host_.receive(header, bytes)) obey(header, bytes);
        if (from_wire_.packets.size() < 2 && wire_->receive(bytes)) {
            capture_.add(bytes);
            if (random_.chance(settings_.loss, 1'000'000)) ++lost_in_;
            else enter(from_wire_, bytes);
        }
        if (!wire_->event.empty()) {
            tell(WIRE, wire_->event, wire_->ended);
            wire_->event.clear();
        }
        wire_->flush();
        if (!unsent_.empty() && wire_->send(unsent_)) unsent_.clear();
        if (!os_) return;
        if (from_os_.packets.size() < 2 && os_->receive(bytes)) enter(from_os_, bytes);
        os_->flush();
        if (!unsent_os_.empty() && os_->send(unsent_os_)) unsent_os_.clear();
    }

    // As the sender's MAC would have padded it.
    void enter(Source &port, Bytes &frame) {
        if (frame.size() < SHORTEST_FRAME) frame.resize(SHORTEST_FRAME);
        port.packets.push_back({std::move(frame)});
        active_ = clocks_;
    }

    void obey(const Header &header, Bytes &bytes) {
        if (header.kind == SEND && header.vc < 3 && !bytes.empty() && bytes.size() <= 1024)
            to_nic_[header.vc].packets.push_back({std::move(bytes), header.node});
        else if (header.kind == OPEN || header.kind == CLOSE)
            commands_.push_back((header.kind == CLOSE) << 26 | header.vc << 24 | header.node);
        else if (header.kind == ASK && !asked_)
            asked_ = true, asked_at_ = clocks_;
        else if (header.kind == ETHERTYPE)
            top_.cfg_ieee = header.code;
        active_ = clocks_;
    }

    // All that was counted as sent has left the NIC, or that takes too long.
    bool settled() const {
        return (clocks_ - active_ >= QUIET && unsent_.empty() && unsent_os_.empty())
               || clocks_ - asked_at_ >= SETTLE;
    }

    // Afterwards the NIC stands still: what was told and what was captured stay the same.
    void statistics() {
        asked_ = false;
        standing_ = true;
        std::string text = "clocks " + std::to_string(clocks_);
        text += "\nfree_slots " + std::to_string(int(top_.free_slots));
        text += "\nwire_lost " + std::to_string(lost_in_ + lost_out_);
        text += "\nwire_unsent " + std::to_string(wire_->unsent);
        const uint64_t *count = counts_;
#define LINE(name) text += "\n" #name " " + std::to_string(*count++);
        LIVE_STATS(LINE)
#undef LINE
        tell(STATISTICS, text);
    }

    void tell(ToHost kind, const Bytes &bytes = "", int code = 0) {
        host_.tell({uint8_t(kind), 0, uint16_t(code), 0, 0, clocks_}, bytes);
    }

    void clock() {
        from_wire_.present();
        if (os_) from_os_.present();
        for (auto &port : to_nic_) port.present();
        for (int vc = 0; vc < 3; ++vc)
            if (!to_nic_[vc].packets.empty()) *dest_[vc] = to_nic_[vc].packets.front().dest;
        for (auto &port : from_nic_) port.allow(!host_.full());
        to_wire_.allow(unsent_.empty());
        to_os_.allow(unsent_os_.empty());
        top_.s_cmd_tvalid = !commands_.empty();
        if (!commands_.empty()) top_.s_cmd_tdata = commands_.front();
        top_.clk = 0;
        top_.eval();
        if (!top_.rst) sample();
        top_.clk = 1;
        top_.eval();
        ++clocks_;
        if (!ready_ && top_.ready) {
            ready_ = true;
            tell(READY);
        }
        if (!ready_) active_ = clocks_;
    }

    // What the coming edge moves.
    void sample() {
        bool moved = false;
        if (from_wire_.moves()) { moved = true; from_wire_.advance(); }
        if (os_ && from_os_.moves()) { moved = true; from_os_.advance(); }
        for (int vc = 0; vc < 3; ++vc) {
            if (to_nic_[vc].moves()) { moved = true; taken(vc); }
            if (from_nic_[vc].moves()) { moved = true; received(vc); }
        }
        if (to_wire_.moves()) {
            moved = true;
            if (to_wire_.collect()) leave();
        }
        if (to_os_.moves() && to_os_.collect() && os_ && !os_->send(to_os_.packet))
            unsent_os_ = to_os_.packet;
        if (top_.s_cmd_tvalid && top_.s_cmd_tready) { moved = true; commands_.pop_front(); }
        if (top_.m_notice_tvalid) {
            moved = true;
            const uint32_t word = top_.m_notice_tdata;
            host_.tell({NOTICE, uint8_t(word >> 24 & 3), uint16_t(word >> 26),
                        word & 0xFFFFFF, 0, clocks_});
        }
        if (moved) active_ = clocks_ + 1;
        uint64_t *count = counts_;
#define COUNT(name) *count++ += top_.name;
        LIVE_STATS(COUNT)
#undef COUNT
    }

    void taken(int vc) {
        auto &front = to_nic_[vc].packets.front();
        if (!front.taken)
            host_.tell({TAKEN, uint8_t(vc), 0, front.dest, numbers_[vc]++, clocks_});
        to_nic_[vc].advance();
    }

    void received(int vc) {
        if (!from_nic_[vc].collect()) return;
        const uint64_t user = *user_[vc];
        host_.tell({RECEIVED, uint8_t(vc), 0, uint32_t(user & 0xFFFFFF), uint32_t(user >> 24),
                    clocks_}, from_nic_[vc].packet);
    }

    // A frame of the NIC has left it.
    void leave() {
        Bytes &frame = to_wire_.packet;
        if (frame.size() < SHORTEST_FRAME) frame.resize(SHORTEST_FRAME);
        capture_.add(frame);
        if (random_.chance(settings_.loss, 1'000'000)) ++lost_out_;
        else if (!wire_->send(frame)) unsent_ = frame;
    }

    const Settings &settings_;
    VerilatedContext context_;
    Vlive top_{&context_};
    Host host_;
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<FrameWire> os_;
    Capture capture_;
    ttp::Random random_;
    Source from_wire_{PINS(top_, s_mac_rx, nullptr)};
    Source from_os_{PINS(top_, s_os_tx, &top_.s_os_tx_tready)};
    Source to_nic_[3] = {Source{PINS(top_, s_host_tx0, &top_.s_host_tx0_tready)},
                         Source{PINS(top_, s_host_tx1, &top_.s_host_tx1_tready)},
                         Source{PINS(top_, s_host_tx2, &top_.s_host_tx2_tready)}};
    Sink from_nic_[3] = {Sink{PINS(top_, m_host_rx0, &top_.m_host_rx0_tready)},
                         Sink{PINS(top_, m_host_rx1, &top_.m_host_rx1_tready)},
                         Sink{PINS(top_, m_host_rx2, &top_.m_host_rx2_tready)}};
    Sink to_wire_{PINS(top_, m_mac_tx, &top_.m_mac_tx_tready)};
    Sink to_os_{PINS(top_, m_os_rx, &top_.m_os_rx_tready)};
    IData *dest_[3] = {&top_.s_host_tx0_tdest, &top_.s_host_tx1_tdest, &top_.s_host_tx2_tdest};
    QData *user_[3] = {&top_.m_host_rx0_tuser, &top_.m_host_rx1_tuser, &top_.m_host_rx2_tuser};
    std::deque<uint32_t> commands_;
    Bytes unsent_, unsent_os_;
    uint32_t numbers_[3] = {};
    uint64_t clocks_ = 0, active_ = 0, lost_in_ = 0, lost_out_ = 0;
    uint64_t counts_[LIVE_STAT_COUNT] = {};
    uint64_t asked_at_ = 0;
    bool ready_ = false, asked_ = false, standing_ = false;
};

}  // namespace

// sim/ttpsim/live/nic.py gives all the settings.
int main(int count, char **words) {
    const Settings settings = read(count, words);
    std::signal(SIGINT, SIG_IGN);       // the end of the host's socket ends the program
    std::signal(SIGTERM, [](int) { ended = 1; });
    auto live = std::make_unique<Live>(settings);
    live->run();
    return 0;
}
