// Puts engines of TTP on NetDevices.
#pragma once

#include "ttp-endpoint.h"

#include "ns3/net-device-container.h"

namespace ns3 {

class TtpHelper {
public:
    // What is set from outside, as in hardware.
    int link_slots = 0;                 // replay slots that a link may have; 0: no limit
    bool selective = true;              // replay; false: go-back-N
    bool congestion = true;             // offers congestion control
    uint64_t seed = 1;                  // of IDs and random bits
    // Bytes of Ethernet's header that the device adds: 0 for SimpleNetDevice, 14 for CSMA.
    uint32_t by_device = 0;

    // The time of a beat: 8 * WB bits of the line, 8 ns for 64 bits at 8 Gb/s.
    explicit TtpHelper(Time clock = NanoSeconds(8)) : world_(Create<TtpWorld>(clock)) {}

    // An endpoint at each device, aggregated to its node. Those of one helper know each other; all
    // link tables have room for links with `peers` others.
    std::vector<Ptr<TtpEndpoint>> Install(const NetDeviceContainer &devices, uint32_t peers) {
        using namespace ttp::packet;
        std::vector<Ptr<TtpEndpoint>> made;
        for (uint32_t n = 0; n < devices.GetN(); ++n) {
            EngineSettings e;
            while (uint32_t(e.links) < 2 * peers) e.links *= 2;
            e.tick = std::max(2, TIMER_TICK * LINKS / e.links);
            e.link_slots = link_slots;
            e.selective = selective;
            e.congestion = congestion;
            e.open_id_seed = uint32_t(ttp::mix(seed * 4096 + world_->endpoints.size()));
            e.ready = RESET_CLOCKS;
            made.push_back(CreateObject<TtpEndpoint>(world_, devices.Get(n), by_device, e));
            devices.Get(n)->GetNode()->AggregateObject(made.back());
        }
        return made;
    }
    const ttp::packet::Counts &Counts() const { return world_->model.counts; }

private:
    Ptr<TtpWorld> world_;
};

}  // namespace ns3
