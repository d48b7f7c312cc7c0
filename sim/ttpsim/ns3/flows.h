// Who sends how much to whom over TCP, and when it is there.
#pragma once

#include "asked.h"
#include "fabric.h"
#include "json.h"
#include "traffic.h"

#include "ns3/applications-module.h"

namespace ttp::ns {

inline constexpr uint64_t LONGEST = 1024;           // bytes of a packet of TTP

class Flows {
public:
    Flows(const Asked &asked, Fabric &fabric) : a_(asked), traffic_(a_), fabric_(fabric) {
        for (int from = 0; from < a_.nodes; ++from)
            for (int to : traffic_.peers(from)) all_.push_back({from, to, a_.begins(from)});
        left_ = all_.size();
        for (size_t at = 0; at < all_.size(); ++at) start(at);
    }

    bool done() const { return !left_; }
    // Bytes that are there, and those that there are to be.
    uint64_t arrived() const { return arrived_; }
    uint64_t planned() const { return all_.size() * size(); }

    // A row for each flow, in clocks; `half_bytes`: what came in the second half.
    void write(Json &json) const {
        json.put("clocks", clock_now()).put("sent_again", sent_again_);
        json.rows("flows");
        for (const Flow &f : all_) {
            json.row().put("from", f.from).put("to", f.to).put("begin", f.begin);
            json.put("bytes", f.bytes).put("half_bytes", f.half_bytes);
            if (f.end) json.put("end", f.end);
            json.end();
        }
        json.end_rows();
    }

private:
    struct Flow {
        int from, to;
        uint64_t begin;
        uint64_t bytes = 0, half_bytes = 0, end = 0;
    };

    uint64_t size() const { return a_.clocks ? 0 : a_.count * LONGEST; }

    void start(size_t at) {
        Flow &f = all_[at];
        const uint16_t port = 1024 + at % 60000;
        ns3::PacketSinkHelper sinks("ns3::TcpSocketFactory",
                                    ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), port));
        auto sink = sinks.Install(fabric_.hosts.Get(f.to)).Get(0);
        sink->TraceConnectWithoutContext(
            "Rx", ns3::Callback<void, ns3::Ptr<const ns3::Packet>, const ns3::Address &>(
                      [this, at](ns3::Ptr<const ns3::Packet> p, const ns3::Address &) {
                          arrived(all_[at], p->GetSize());
                      }));
        ns3::BulkSendHelper sender("ns3::TcpSocketFactory",
                                   ns3::InetSocketAddress(address_of(f.to), port));
        sender.SetAttribute("MaxBytes", ns3::UintegerValue(size()));
        sender.SetAttribute("SendSize", ns3::UintegerValue(a_.segment));
        auto app = sender.Install(fabric_.hosts.Get(f.from)).Get(0);
        app->SetStartTime(time_of(f.begin));
        app->TraceConnectWithoutContext(
            "TcpRetransmission",
            ns3::Callback<void, ns3::Ptr<const ns3::Packet>, const ns3::TcpHeader &,
                          const ns3::Address &, const ns3::Address &,
                          ns3::Ptr<const ns3::TcpSocketBase>>(
                [this](auto, auto &, auto &, auto &, auto) { ++sent_again_; }));
    }
    void arrived(Flow &f, uint32_t bytes) {
        f.bytes += bytes;
        arrived_ += bytes;
        if (clock_now() >= a_.clocks / 2) f.half_bytes += bytes;
        if (f.bytes != size()) return;
        f.end = clock_now();
        if (!--left_) ns3::Simulator::Stop();
    }

    const Asked &a_;
    const fabric::Traffic traffic_;
    Fabric &fabric_;
    std::vector<Flow> all_;
    size_t left_ = 0;
    uint64_t sent_again_ = 0, arrived_ = 0;
};

}  // namespace ttp::ns
