// Many hosts send to one over TTP, through a switch of ns-3: see README.md.
//
//     incast [--senders=8] [--count=64] [--bytes=1024] [--buffer=65536] [--congestion=1] [--seed=1]

#include <cstdio>

#include "ttp-module.h"

#include "ns3/bridge-module.h"
#include "ns3/core-module.h"
#include "ns3/network-module.h"

using namespace ns3;

int main(int count, char **words) {
    constexpr double CLOCK = 8e-9;
    uint32_t senders = 8, packets = 64, bytes = 1024, buffer = 65536, seed = 1;
    bool congestion = true;
    CommandLine options;
    options.AddValue("senders", "hosts that send to host 0", senders);
    options.AddValue("count", "packets of each", packets);
    options.AddValue("bytes", "length of a packet", bytes);
    options.AddValue("buffer", "bytes of each port of the switch", buffer);
    options.AddValue("congestion", "whether engines offer congestion control", congestion);
    options.AddValue("seed", "everything that is random follows from it", seed);
    options.Parse(count, words);

    // A switch: a bridge, whose ports are devices with a queue. A cable: a channel of two devices.
    NodeContainer hosts(senders + 1), middle(1);
    NetDeviceContainer ends, ports;
    SimpleNetDeviceHelper cable;
    cable.SetDeviceAttribute("DataRate", DataRateValue(DataRate("8Gbps")));
    cable.SetChannelAttribute("Delay", TimeValue(NanoSeconds(256)));
    uint64_t dropped = 0;
    for (uint32_t host = 0; host <= senders; ++host) {
        auto channel = CreateObject<SimpleChannel>();
        channel->SetAttribute("Delay", TimeValue(NanoSeconds(256)));
        cable.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                       QueueSizeValue(QueueSize(std::to_string(1 << 20) + "p")));
        ends.Add(cable.Install(hosts.Get(host), channel));
        cable.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                       QueueSizeValue(QueueSize(QueueSizeUnit::BYTES, buffer)));
        auto port = cable.Install(middle.Get(0), channel).Get(0);
        port->GetObject<SimpleNetDevice>()->GetQueue()->TraceConnectWithoutContext(
            "Drop", Callback<void, Ptr<const Packet>>([&](Ptr<const Packet>) { ++dropped; }));
        ports.Add(port);
    }
    BridgeHelper().Install(middle.Get(0), ports);

    TtpHelper ttp;
    ttp.congestion = congestion;
    ttp.seed = seed;
    auto endpoints = ttp.Install(ends, senders);
    std::map<Mac48Address, uint32_t> arrived;
    uint64_t all = 0;
    Time last;
    endpoints[0]->SetReceive([&](Ptr<Packet> packet, Mac48Address from, uint8_t) {
        NS_ABORT_MSG_IF(packet->GetSize() != bytes, "a packet of another length");
        ++arrived[from];
        last = Simulator::Now();
        if (++all == uint64_t(senders) * packets) Simulator::Stop();
    });
    for (uint32_t host = 1; host <= senders; ++host)
        Simulator::Schedule(NanoSeconds(8 * (ttp::mix(ttp::mix(seed) ^ host) % 1000)), [&, host] {
            for (uint32_t n = 0; n < packets; ++n)
                endpoints[host]->Send(Create<Packet>(bytes), endpoints[0]->Address());
        });
    Simulator::Stop(Seconds(1));
    Simulator::Run();
    std::printf("{\"packets\": %llu, \"clocks\": %.0f, \"dropped\": %llu, \"sent_again\": %llu}\n",
                (unsigned long long)all, last.GetSeconds() / CLOCK, (unsigned long long)dropped,
                (unsigned long long)ttp.Counts().payload_replayed);
    Simulator::Destroy();
    return all == uint64_t(senders) * packets ? 0 : 1;
}
