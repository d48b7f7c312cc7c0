"""`FlatCsr`: the block with plain ports only, for Verilog benches and synthesis."""

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ttpoe.congestion.state import state_layout
from ttpoe.csr.axil import AxiLiteSignature
from ttpoe.csr.block import Csr
from ttpoe.layouts import command_layout, notice_layout
from ttpoe.link.table import tag_layout


class FlatCsr(wiring.Component):
    """Streams as `<name>_valid`, `_ready`, `_payload`; the pulses as they are."""

    def __init__(self, config):
        self.csr = Csr(config)
        members = {
            name: member.flow(member.shape)
            for name, member in self.csr.signature.members.items()
            if member.is_port
        }
        members |= {
            name: flow(width)
            for name, _channel, _part, flow, width in AxiLiteSignature.flat("s_axil")
        }
        super().__init__(
            members
            | {
                "command_valid": Out(1),
                "command_ready": In(1),
                "command_payload": Out(command_layout.size),
                "inspect_valid": Out(1),
                "inspect_ready": In(1),
                "inspect_payload": Out(config.lid_bits),
                "inspected_valid": In(1),
                "inspected_payload": In(tag_layout(config).size),
                "inspected_law_valid": In(1),
                "inspected_law_payload": In(state_layout(config).size),
                "notice_valid": In(1),
                "notice_payload": In(notice_layout.size),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.csr = csr = self.csr
        for name, member in csr.signature.members.items():
            if member.is_port:
                inner, outer = getattr(csr, name), getattr(self, name)
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        AxiLiteSignature.connect_flat(m, "s_axil", self, csr.s_axil)
        for name in ("command", "inspect"):
            inner = getattr(csr, f"o_{name}")
            payload = inner.payload if name == "inspect" else inner.payload.as_value()
            m.d.comb += [
                getattr(self, f"{name}_valid").eq(inner.valid),
                getattr(self, f"{name}_payload").eq(payload),
                inner.ready.eq(getattr(self, f"{name}_ready")),
            ]
        for name in ("inspected", "inspected_law", "notice"):
            inner = getattr(csr, f"i_{name}")
            m.d.comb += [
                inner.valid.eq(getattr(self, f"{name}_valid")),
                inner.payload.as_value().eq(getattr(self, f"{name}_payload")),
            ]
        return m
