// TCP in ns-3 over the network of `ttpoe packet`; see sim/ttpsim/ns3/run.py and docs/evidence/ns3.md.
//
// Exit code 0: passed; 1: not done within --limit; 2: bad arguments; 130: interrupted.

#include "flows.h"
#include "progress.h"

using namespace ttp;

namespace {

template <typename Value>
void set(const char *name, const Value &value) { ns3::Config::SetDefault(name, value); }

// Everything that is not as ns-3 has it. docs/evidence/ns3.md lists it: change both.
void tcp_settings(const ttp::ns::Asked &a) {
    using namespace ns3;
    const std::string types[][2] = {{"newreno", "ns3::TcpNewReno"}, {"cubic", "ns3::TcpCubic"},
                                    {"dctcp", "ns3::TcpDctcp"}};
    for (auto &[name, type] : types)
        if (a.tcp == name)
            set("ns3::TcpL4Protocol::SocketType", TypeIdValue(TypeId::LookupByName(type)));
    const TimeValue rto(MicroSeconds(a.min_rto_us));
    set("ns3::TcpSocketBase::MinRto", rto);
    set("ns3::TcpSocketBase::ClockGranularity", TimeValue(MicroSeconds(1)));
    set("ns3::TcpSocketBase::Timestamp", BooleanValue(false));  // in ms: too coarse for a RTT
    set("ns3::RttEstimator::InitialEstimation", rto);
    set("ns3::TcpSocket::ConnTimeout", rto);
    set("ns3::TcpSocket::ConnCount", UintegerValue(1000));
    set("ns3::TcpSocket::DataRetries", UintegerValue(1000));
    set("ns3::TcpSocket::SegmentSize", UintegerValue(a.segment));
    set("ns3::TcpSocket::InitialCwnd", UintegerValue(a.initial_window));
    set("ns3::TcpSocket::DelAckCount", UintegerValue(a.delayed_acks));
    set("ns3::TcpSocket::DelAckTimeout", TimeValue(MicroSeconds((a.min_rto_us + 3) / 4)));
    set("ns3::TcpSocket::SndBufSize", UintegerValue(1 << 20));
    set("ns3::TcpSocket::RcvBufSize", UintegerValue(1 << 20));
    set("ns3::TcpCubic::CubicDelta", TimeValue(Seconds(0)));
    if (a.tcp == "dctcp") set("ns3::TcpSocketBase::UseEcn", EnumValue(TcpSocketState::On));
}

uint64_t last_clock(const ttp::ns::Asked &a) {
    constexpr uint64_t MINUTE = 60'000'000'000ull / ttp::ns::CLOCK_NS;
    return a.clocks ? a.clocks : a.limit ? a.limit : MINUTE;
}

// Every 100 microseconds of simulated time: progress, and Ctrl-C.
void look(const ttp::ns::Flows &flows, const ttp::ns::Asked &a, Progress &progress) {
    if (interrupted) {
        progress.say("interrupted");
        std::exit(130);
    }
    if (progress.due()) {
        const uint64_t clock = ttp::ns::clock_now();
        char text[80];
        std::snprintf(text, sizeof text, "clock %llu", (unsigned long long)clock);
        progress.show(text, a.clocks ? double(clock) / a.clocks
                                     : double(flows.arrived()) / flows.planned());
    }
    ns3::Simulator::Schedule(ns3::MicroSeconds(100), [&] { look(flows, a, progress); });
}

}  // namespace

int main(int count, char **words) {
    catch_interrupts();
    ttp::ns::Asked asked;
    ttp::ns::read(count, words, asked);
    tcp_settings(asked);
    ns3::RngSeedManager::SetSeed(uint32_t(mix(asked.seed) % 4'000'000'000u) + 1);
    Progress progress("compare");
    ttp::ns::Fabric fabric(asked);
    ttp::ns::Flows flows(asked, fabric);
    look(flows, asked, progress);
    ns3::Simulator::Stop(ttp::ns::time_of(last_clock(asked)));
    ns3::Simulator::Run();
    std::string failure;
    if (!asked.clocks && !flows.done())
        failure = "not done after " + std::to_string(last_clock(asked)) + " clocks";
    Json results;
    results.put("seed", asked.seed).put("model", asked.tcp).put("dropped_full", fabric.dropped());
    results.put("marked", fabric.marked()).put("peak_bytes", fabric.peak());
    flows.write(results);
    results.put("events", ns3::Simulator::GetEventCount());
    results.put("cpu_seconds", progress.cpu_seconds()).put("failure", failure);
    if (!results.write(asked.json)) return 2;
    if (!failure.empty()) progress.say("FAILED: " + failure);
    return failure.empty() ? 0 : 1;
}
