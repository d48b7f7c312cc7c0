// Ways through the network: those of `ttpoe fabric`, by both addresses of a packet.
#pragma once

#include <functional>

#include "ns3/internet-module.h"
#include "ns3/network-module.h"

namespace ttp::ns {

inline constexpr uint32_t FIRST_ADDRESS = 0x0A00'0001;      // 10.0.0.1: host 0

inline ns3::Ipv4Address address_of(int host) { return ns3::Ipv4Address(FIRST_ADDRESS + host); }
inline int host_of(ns3::Ipv4Address address) { return int(address.Get() - FIRST_ADDRESS); }

// The only routing of a node: `out(to, from)` is the number of the device that leads there.
class PairRouting : public ns3::Ipv4RoutingProtocol {
public:
    using Out = std::function<uint32_t(int to, int from)>;
    explicit PairRouting(Out out) : out_(std::move(out)) {}

    ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet>, const ns3::Ipv4Header &header,
                                         ns3::Ptr<ns3::NetDevice>,
                                         ns3::Socket::SocketErrno &error) override {
        error = ns3::Socket::ERROR_NOTERROR;
        const ns3::Ipv4Address own = ipv4_->GetAddress(1, 0).GetLocal();
        return route(header.GetDestination(), own);
    }
    bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header &header,
                    ns3::Ptr<const ns3::NetDevice> device, const UnicastForwardCallback &forward,
                    const MulticastForwardCallback &, const LocalDeliverCallback &deliver,
                    const ErrorCallback &) override {
        const uint32_t from = ipv4_->GetInterfaceForDevice(device);
        if (ipv4_->IsDestinationAddress(header.GetDestination(), from))
            deliver(packet, header, from);
        else
            forward(route(header.GetDestination(), header.GetSource()), packet, header);
        return true;
    }
    void NotifyInterfaceUp(uint32_t) override {}
    void NotifyInterfaceDown(uint32_t) override {}
    void NotifyAddAddress(uint32_t, ns3::Ipv4InterfaceAddress) override {}
    void NotifyRemoveAddress(uint32_t, ns3::Ipv4InterfaceAddress) override {}
    void SetIpv4(ns3::Ptr<ns3::Ipv4> ipv4) override { ipv4_ = ipv4; }
    void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper>, ns3::Time::Unit) const override {}

private:
    void DoDispose() override {
        ipv4_ = nullptr;
        Ipv4RoutingProtocol::DoDispose();
    }
    ns3::Ptr<ns3::Ipv4Route> route(ns3::Ipv4Address to, ns3::Ipv4Address from) const {
        auto found = ns3::Create<ns3::Ipv4Route>();
        found->SetDestination(to);
        found->SetSource(from);
        found->SetGateway(ns3::Ipv4Address::GetAny());
        const uint32_t device = out_(host_of(to), host_of(from));
        found->SetOutputDevice(ipv4_->GetObject<ns3::Node>()->GetDevice(device));
        return found;
    }

    Out out_;
    ns3::Ptr<ns3::Ipv4> ipv4_;
};

}  // namespace ttp::ns
