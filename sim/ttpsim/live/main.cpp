// One Verilated NIC between a wire and a host, in wall-clock time; started by sim/ttpsim/live/nic.py.
//
// While something moves the NIC is clocked as fast as this machine can. After QUIET clocks without
// a beat on any port it is clocked at the pace --idle-clock, which is what the link timer sees.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <poll.h>

#include "Vlive.h"
#include "capture.h"
#include "host.h"
#include "streams.h"
#include "verilated.h"
#include "wire.h"

namespace {

constexpr uint64_t QUIET = 256;         // longer than any frame takes inside the NIC
constexpr int SLICE_MS = 4;             // of idle clocks at a time
constexpr size_t QUEUED = 16;           // messages of the host that wait for one VC
constexpr size_t SHORTEST_FRAME = 60;   // on any Ethernet, without FCS
using Time = std::chrono::steady_clock;

volatile std::sig_atomic_t ended = 0;

struct Options {
    std::map<std::string, uint64_t> numbers;
    std::string capture;
    uint64_t operator[](const std::string &name) const { return numbers.at(name); }
};

// splitmix64, for the losses.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    bool one_in(uint64_t per_million) {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return (z ^ (z >> 31)) % 1'000'000 < per_million;
    }
private:
    uint64_t state_;
};

class Live {
public:
    explicit Live(const Options &options)
        : options_(options), host_(options["host"]), capture_(options.capture),
          random_(options["loss-seed"]) {
        context_.randReset(2);          // memories without a reset start with random contents
        context_.randSeed(int(options["loss-seed"] % 0x7FFFFFFF) + 1);
        int file = int(options["wire"]);
        if (options["framing"] == 0) wire_ = std::make_unique<FrameWire>(file);
        else if (options["framing"] == 1) wire_ = std::make_unique<StreamWire>(file, -1);
        else wire_ = std::make_unique<StreamWire>(-1, file);
        if (options["os"]) os_ = std::make_unique<FrameWire>(int(options["os"]));
        configure();
    }

    void run() {
        auto idle_from = Time::now();
        const double pace = double(options_["idle-clock"]);
        while (!ended && !host_.closed) {
            const bool busy = clocks_ - active_ < QUIET;
            wait(busy ? 0 : SLICE_MS);
            serve();
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
        top_.cfg_node = options_["node"];
        top_.cfg_ieee = options_["ieee"];
        top_.cfg_selective = options_["selective"];
        top_.cfg_init_id = 1;
        top_.cfg_open_id_seed = options_["seed"];
        top_.cfg_timer_tick = options_["tick"];
        top_.cfg_max_retry = options_["retries"];
        top_.cfg_link_slots = options_["link-slots"];
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
            if (random_.one_in(options_["loss"])) ++lost_in_;
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
        else if (header.kind == ASK)
            statistics();
        active_ = clocks_;
    }

    void statistics() {
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
        if (random_.one_in(options_["loss"])) ++lost_out_;
        else if (!wire_->send(frame)) unsent_ = frame;
    }

    const Options &options_;
    VerilatedContext context_;
    Vlive top_{&context_};
    Host host_;
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<FrameWire> os_;
    Capture capture_;
    Random random_;
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
    bool ready_ = false;
};

}  // namespace

// Every option is `--name=value`; sim/ttpsim/live/nic.py gives them all.
int main(int count, char **words) {
    Options options;
    for (int n = 1; n < count; ++n) {
        std::string word = words[n];
        size_t at = word.find('=');
        if (word.rfind("--", 0) || at == std::string::npos) {
            std::fprintf(stderr, "live: cannot read %s\n", words[n]);
            return 2;
        }
        std::string name = word.substr(2, at - 2), value = word.substr(at + 1);
        if (name == "capture") options.capture = value;
        else options.numbers[name] = std::strtoull(value.c_str(), nullptr, 0);
    }
    std::signal(SIGINT, SIG_IGN);       // the end of the host's socket ends the program
    std::signal(SIGTERM, [](int) { ended = 1; });
    auto live = std::make_unique<Live>(options);
    live->run();
    return 0;
}
