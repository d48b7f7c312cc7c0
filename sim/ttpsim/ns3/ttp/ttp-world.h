// What all endpoints of a simulation share: the packet model's events, frames and links, driven by
// ns-3's simulator. Nothing happens between two events: the simulator is woken for each of them.
#pragma once

#include <map>
#include <tuple>

#include "ttp-header.h"

#include "timer.h"      // the engine of the packet model, all of it

#include "ns3/mac48-address.h"
#include "ns3/simulator.h"

namespace ns3 {

class TtpEndpoint;

class TtpWorld : public SimpleRefCount<TtpWorld> {
public:
    // A datapath of WB bytes takes a beat in each clock: the line has 8 * WB bits in this time.
    explicit TtpWorld(Time clock);

    ttp::packet::World model;
    std::vector<TtpEndpoint *> endpoints;
    std::map<Mac48Address, int> nodes;

    // The first clock that does not begin before now.
    uint64_t Clock() const {
        const int64_t step = clock_.GetTimeStep();
        return (Simulator::Now().GetTimeStep() + step - 1) / step;
    }
    void At(uint64_t clock, uint8_t kind, uint32_t node, uint32_t what = 0) {
        model.events.at(clock, kind, node, what);
        Wake();
    }
    // Packet `number` of a flow, until it is delivered.
    struct Flow {
        uint32_t first = 0;
        std::deque<Ptr<Packet>> packets;
    };
    Flow &FlowOf(int from, int to, int vc) { return flows_[{from, to, vc}]; }
    Ptr<Packet> Payload(const ttp::packet::Frame &frame) {
        const Flow &flow = FlowOf(frame.from, frame.to, frame.vc);
        const uint32_t at = frame.tx - model.links[frame.link].first - flow.first;
        if (at < flow.packets.size()) return flow.packets[at]->Copy();
        return Create<Packet>(frame.bytes - TtpHeader::BYTES);      // it is there: sent again
    }

private:
    void Happens(const ttp::packet::Happening &event);
    void Wake() {
        const uint64_t soonest = model.events.soonest();
        if (soonest == ~0ull || (wakes_.IsPending() && wakes_at_ <= soonest)) return;
        wakes_.Cancel();
        wakes_at_ = soonest;
        wakes_ = Simulator::Schedule(TimeStep(soonest * clock_.GetTimeStep()) - Simulator::Now(),
                                     &TtpWorld::Run, this);
    }
    void Run() {
        if (model.events.next(Clock()) == wakes_at_)
            model.events.run([this](const ttp::packet::Happening &event) { Happens(event); });
        Wake();
    }

    const Time clock_;
    EventId wakes_;
    uint64_t wakes_at_ = 0;
    std::map<std::tuple<int, int, int>, Flow> flows_;
};

}  // namespace ns3
