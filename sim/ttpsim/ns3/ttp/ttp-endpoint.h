// An engine of TTP at a NetDevice, and its host's ports.
#pragma once

#include "ttp-world.h"

#include "ns3/callback.h"
#include "ns3/net-device.h"
#include "ns3/node.h"
#include "ns3/object.h"

namespace ns3 {

class TtpEndpoint : public Object {
public:
    static constexpr uint16_t ETHER_TYPE = 0x9AC6;
    static constexpr uint32_t LONGEST = 1024;
    enum Vc : uint8_t { REQ_HI = ttp::packet::REQ_HI, DATA = ttp::packet::DATA };
    // A packet is there: who sent it, and on which virtual channel.
    using Receive = Callback<void, Ptr<Packet>, Mac48Address, uint8_t>;

    static TypeId GetTypeId() {
        static TypeId id = TypeId("ns3::TtpEndpoint").SetParent<Object>();
        return id;
    }

    // `by_device`: bytes of Ethernet's header that the device adds by itself.
    TtpEndpoint(Ptr<TtpWorld> world, Ptr<NetDevice> device, uint32_t by_device,
                const ttp::packet::EngineSettings &settings)
        : world_(world), device_(device), by_device_(by_device), self_(world->endpoints.size()),
          engine_(world->model, self_, settings) {
        using namespace ttp::packet;
        world_->endpoints.push_back(this);
        world_->nodes[Address()] = self_;
        device_->GetNode()->RegisterProtocolHandler(
            MakeCallback(&TtpEndpoint::FromDevice, this), ETHER_TYPE, device_);
        constexpr uint64_t unit = law::INTERVAL * (64 / ttp::WB);
        if (settings.congestion)
            world_->At(world_->Clock() + unit - settings.ready % unit, INTERVAL, self_);
    }

    Mac48Address Address() const { return Mac48Address::ConvertFrom(device_->GetAddress()); }
    void SetReceive(Receive receive) { receive_ = receive; }

    // 1 to 1,024 bytes, delivered once and in the order of a destination and VC. The host keeps
    // what the engine has no room for.
    void Send(Ptr<Packet> packet, Mac48Address to, uint8_t vc = DATA) {
        NS_ABORT_MSG_IF(!packet->GetSize() || packet->GetSize() > LONGEST,
                        "TTP: a packet has 1 to 1,024 bytes; got " << packet->GetSize());
        NS_ABORT_MSG_IF(vc != REQ_HI && vc != DATA, "TTP: VC must be 1 or 2; got " << +vc);
        auto found = world_->nodes.find(to);
        NS_ABORT_MSG_IF(found == world_->nodes.end(), "TTP: there is no endpoint " << to);
        waiting_[vc].push_back({packet, found->second});
        if (waiting_[vc].size() > 1) return;
        world_->At(std::max<uint64_t>(world_->Clock(), ttp::packet::FIRST_SLOT),
                   ttp::packet::HOST_BEGINS, self_);
    }
    // Packets that the engine has not taken yet.
    size_t Waiting(uint8_t vc = DATA) const { return waiting_[vc].size(); }
    // Slots of packets that are not acknowledged.
    int SlotsUsed() const { return ttp::packet::SLOTS - engine_.free_slots(); }

private:
    friend class TtpWorld;
    static constexpr uint64_t LATE = 2 * (TtpHeader::BYTES + LONGEST) / ttp::WB;
    struct Asked { Ptr<Packet> packet; int to; };
    struct Came { uint64_t end; int beats; };

    // The engine takes the next packet of a VC.
    bool Next(int vc, int &to, int &bytes) {
        auto &queue = waiting_[vc];
        if (queue.empty()) return false;
        to = queue.front().to;
        bytes = queue.front().packet->GetSize();
        world_->FlowOf(self_, to, vc).packets.push_back(queue.front().packet);
        queue.pop_front();
        return true;
    }
    void ToDevice(uint32_t number) {
        TtpHeader header;
        header.frame = world_->model.frames[number];
        header.by_device = by_device_;
        world_->model.frames.drop(number);
        const bool data = header.frame.kind == ttp::packet::PAYLOAD;
        Ptr<Packet> packet = data ? world_->Payload(header.frame) : Create<Packet>();
        packet->AddHeader(header);
        device_->Send(packet, world_->endpoints[header.frame.to]->Address(), ETHER_TYPE);
    }
    void FromDevice(Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t, const ns3::Address &,
                    const ns3::Address &, NetDevice::PacketType) {
        TtpHeader header;
        packet->PeekHeader(header);
        if (header.frame.to != self_) return;           // a bridge that does not know us yet
        const uint64_t clock = world_->Clock();
        const int beats = ttp::fabric::beats_of(header.frame.bytes);
        came_.push_back({clock, beats});
        beats_ += beats;
        world_->At(clock + ttp::packet::clocks::RECEIVE, ttp::packet::AT_HOST, self_,
                   world_->model.frames.add(header.frame));
    }
    // Beats that came before a clock, `LATE` clocks ago: of a frame that is still under way ns-3
    // says nothing. Not more than one for each clock, however fast the device is.
    uint64_t Beats(uint64_t clock) {
        clock = clock > LATE ? clock - LATE : 0;
        while (!came_.empty() && came_.front().end <= clock) came_.pop_front();
        uint64_t beats = beats_;
        for (const Came &c : came_) beats -= std::min<uint64_t>(c.beats, c.end - clock);
        told_ = std::min(beats, told_ + clock - told_at_);
        told_at_ = clock;
        return told_;
    }
    void Delivered(int from, int vc) {
        auto &flow = world_->FlowOf(from, self_, vc);
        Ptr<Packet> packet = flow.packets.front();
        flow.packets.pop_front();
        ++flow.first;
        if (!receive_.IsNull()) receive_(packet, world_->endpoints[from]->Address(), vc);
    }
    void DoDispose() override {
        receive_ = Receive();
        device_ = nullptr;
        Object::DoDispose();
    }

    Ptr<TtpWorld> world_;
    Ptr<NetDevice> device_;
    const uint32_t by_device_;
    const int self_;
    ttp::packet::Engine engine_;
    Receive receive_;
    std::deque<Asked> waiting_[3];
    std::deque<Came> came_;
    uint64_t beats_ = 0, told_ = 0, told_at_ = 0;
};

inline TtpWorld::TtpWorld(Time clock) : clock_(clock) {
    model.sends = [this](int node, uint32_t frame, uint64_t) { endpoints[node]->ToDevice(frame); };
    model.host_offers = [this](int node, int vc, int &to, int &bytes) {
        return endpoints[node]->Next(vc, to, bytes);
    };
    model.length = [this](int from, int to, int vc, uint32_t number) {
        const Flow &flow = FlowOf(from, to, vc);
        const uint32_t at = number - flow.first;
        return at < flow.packets.size() ? int(flow.packets[at]->GetSize()) : 1;
    };
    model.delivered = [this](int node, const ttp::packet::Link &link, uint32_t) {
        endpoints[node]->Delivered(link.peer, link.vc);
    };
    model.rx_beats = [this](int node, uint64_t clock) { return endpoints[node]->Beats(clock); };
    model.host_reads = [](uint64_t clock, int beats) { return clock + beats - 1; };
}

inline void TtpWorld::Happens(const ttp::packet::Happening &event) {
    endpoints[event.node]->engine_.happens(event);
}

}  // namespace ns3
