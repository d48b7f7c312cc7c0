// The network of `ttpoe packet`, made of ns-3's nodes: switches are IP routers, whose ports have the
// buffer as a queue disc.
#pragma once

#include "topology.h"           // of the packet model: who is joined to whom, and the routes

#include "asked.h"
#include "routing.h"

#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

namespace ttp::ns {

class Fabric {
public:
    explicit Fabric(const Asked &asked)
        : a_(asked), plan_(events_, frames_, a_.delay, a_.network, a_.seed), shape_(plan_, a_) {
        hosts.Create(a_.nodes);
        switches_.Create(plan_.switches.size());
        ns3::InternetStackHelper stack;
        stack.SetIpv6StackInstall(false);
        stack.Install(hosts);
        stack.Install(switches_);
        link_.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(LINE_BPS)));
        link_.SetDeviceAttribute("Mtu", ns3::UintegerValue(9000));
        link_.SetChannelAttribute("Delay", ns3::TimeValue(time_of(a_.delay)));
        cables();
        routes();
        buffers();
    }

    ns3::NodeContainer hosts;
    uint64_t dropped() const {
        uint64_t all = 0;
        for (auto &q : queues_) all += q->GetStats().nTotalDroppedPackets;
        return all;
    }
    uint64_t marked() const {
        uint64_t all = 0;
        for (auto &q : queues_) all += q->GetStats().nTotalMarkedPackets;
        return all;
    }
    uint64_t peak() const { return peak_; }

private:
    // Device 0 of each node is its loopback: devices by the ports of the plan.
    ns3::Ptr<ns3::NetDevice> device(int at, int port) { return devices_[at][port]; }

    void cables() {
        for (auto &ports : plan_.switches) devices_.emplace_back(ports.size());
        for (size_t at = 0; at < plan_.switches.size(); ++at)
            for (size_t port = 0; port < plan_.switches[at].size(); ++port) {
                const packet::Port &p = plan_.switches[at][port];
                if (p.to_host >= 0) {
                    auto ends = join(hosts.Get(p.to_host), switches_.Get(at));
                    interface(ends.Get(0), address_of(p.to_host));
                    devices_[at][port] = ends.Get(1);
                } else if (p.to_switch > int(at)) {
                    auto ends = join(switches_.Get(at), switches_.Get(p.to_switch));
                    devices_[at][port] = ends.Get(0);
                    devices_[p.to_switch][p.to_input] = ends.Get(1);
                }
            }
        for (auto &ports : devices_)
            for (auto &d : ports) if (d) interface(d, ns3::Ipv4Address("192.168.0.1"));
    }
    ns3::NetDeviceContainer join(ns3::Ptr<ns3::Node> a, ns3::Ptr<ns3::Node> b) {
        return link_.Install(a, b);
    }
    void interface(ns3::Ptr<ns3::NetDevice> d, ns3::Ipv4Address address) {
        auto ipv4 = d->GetNode()->GetObject<ns3::Ipv4>();
        const uint32_t number = ipv4->AddInterface(d);
        ipv4->AddAddress(number, ns3::Ipv4InterfaceAddress(address, ns3::Ipv4Mask("/32")));
        ipv4->SetMetric(number, 1);
        ipv4->SetUp(number);
    }
    void routes() {
        for (uint32_t host = 0; host < hosts.GetN(); ++host) {
            const uint32_t only = hosts.Get(host)->GetNDevices() - 1;
            set(hosts.Get(host), [only](int, int) { return only; });
        }
        for (uint32_t at = 0; at < switches_.GetN(); ++at)
            set(switches_.Get(at), [this, at](int to, int from) {
                return devices_[at][plan_.route(at, to, from)]->GetIfIndex();
            });
    }
    void set(ns3::Ptr<ns3::Node> node, PairRouting::Out out) {
        node->GetObject<ns3::Ipv4>()->SetRoutingProtocol(
            ns3::CreateObject<PairRouting>(std::move(out)));
    }

    // Behind the queue disc the device has room for one packet. A host's queue has no end.
    void buffers() {
        for (uint32_t host = 0; host < hosts.GetN(); ++host)
            limit(hosts.Get(host)->GetDevice(hosts.Get(host)->GetNDevices() - 1), "4000000p");
        const std::string bytes = std::to_string(a_.network.buffer) + "B";
        ns3::TrafficControlHelper control;
        if (a_.tcp == "dctcp")
            control.SetRootQueueDisc("ns3::RedQueueDisc", "MaxSize", ns3::StringValue(bytes),
                                     "MinTh", ns3::DoubleValue(a_.mark_at), "MaxTh",
                                     ns3::DoubleValue(a_.mark_at + 1), "QW", ns3::DoubleValue(1),
                                     "Gentle", ns3::BooleanValue(false), "UseEcn",
                                     ns3::BooleanValue(true), "UseHardDrop",
                                     ns3::BooleanValue(false), "LinkBandwidth",
                                     ns3::DataRateValue(ns3::DataRate(LINE_BPS)), "MeanPktSize",
                                     ns3::UintegerValue(a_.segment + 40));
        else
            control.SetRootQueueDisc("ns3::FifoQueueDisc", "MaxSize", ns3::StringValue(bytes));
        for (auto &ports : devices_)
            for (auto &d : ports) {
                if (!d) continue;
                limit(d, "1p");
                auto queue = control.Install(d).Get(0);
                queue->TraceConnectWithoutContext(
                    "BytesInQueue", ns3::Callback<void, uint32_t, uint32_t>(
                                        [this](uint32_t, uint32_t now) {
                                            peak_ = std::max<uint64_t>(peak_, now);
                                        }));
                queues_.push_back(queue);
            }
    }
    static void limit(ns3::Ptr<ns3::NetDevice> d, const std::string &size) {
        d->GetObject<ns3::PointToPointNetDevice>()->GetQueue()->SetMaxSize(
            ns3::QueueSize(size));
    }

    const Asked &a_;
    packet::Events events_;             // nothing happens: the plan's network is only looked at
    packet::Frames frames_;
    packet::Network plan_;
    packet::Topology shape_;
    ns3::PointToPointHelper link_;
    ns3::NodeContainer switches_;
    std::vector<std::vector<ns3::Ptr<ns3::NetDevice>>> devices_;    // by switch and port
    std::vector<ns3::Ptr<ns3::QueueDisc>> queues_;
    uint64_t peak_ = 0;
};

}  // namespace ttp::ns
