// A frame of TTP in a packet of ns-3: its size on the wire is that of the beats of an engine, its
// contents are those of the packet model.
#pragma once

#include "shape.h"      // generated; before the others

#include "link.h"

#include "ns3/header.h"
#include "ns3/packet.h"

namespace ns3 {

class TtpHeader : public Header {
public:
    static constexpr uint32_t BYTES = 60;       // Ethernet's 14 and all of TTP's, section 1

    ttp::packet::Frame frame;
    uint32_t by_device = 0;             // bytes of them that the device adds by itself

    static TypeId GetTypeId() {
        static TypeId id = TypeId("ns3::TtpHeader").SetParent<Header>().AddConstructor<TtpHeader>();
        return id;
    }
    TypeId GetInstanceTypeId() const override { return GetTypeId(); }
    uint32_t GetSerializedSize() const override {
        const uint32_t payload = frame.kind == ttp::packet::PAYLOAD ? frame.bytes - BYTES : 0;
        const uint32_t whole = ttp::fabric::beats_of(frame.bytes) * ttp::WB;
        return whole - payload - by_device;
    }
    void Serialize(Buffer::Iterator at) const override {
        at.WriteU8(by_device);
        at.WriteU8(frame.kind);
        at.WriteU8(frame.vc);
        at.WriteU8(frame.code);
        at.WriteU8(frame.selective | frame.controlled << 1);
        for (uint32_t word : {uint32_t(frame.from), uint32_t(frame.to), frame.link, frame.tx,
                              frame.rx, uint32_t(frame.bytes)})
            at.WriteHtonU32(word);
        at.WriteU8(0, GetSerializedSize() - WRITTEN);
    }
    uint32_t Deserialize(Buffer::Iterator at) override {
        by_device = at.ReadU8();
        frame.kind = ttp::packet::Kind(at.ReadU8());
        frame.vc = at.ReadU8();
        frame.code = at.ReadU8();
        const uint8_t flags = at.ReadU8();
        frame.selective = flags & 1;
        frame.controlled = flags >> 1 & 1;
        frame.from = at.ReadNtohU32();
        frame.to = at.ReadNtohU32();
        frame.link = at.ReadNtohU32();
        frame.tx = at.ReadNtohU32();
        frame.rx = at.ReadNtohU32();
        frame.bytes = at.ReadNtohU32();
        return GetSerializedSize();
    }
    void Print(std::ostream &out) const override {
        static const char *const names[] = {"OPEN", "OPEN_ACK", "PAYLOAD", "ACK", "NACK",
                                            "NACK_FULL"};
        out << names[frame.kind] << " vc=" << +frame.vc << " tx=" << frame.tx
            << " rx=" << frame.rx;
    }

private:
    static constexpr uint32_t WRITTEN = 5 + 6 * 4;
};

}  // namespace ns3
