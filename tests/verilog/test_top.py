"""`EngineTop`: the flat ports of a core, wire by wire."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.layouts import (
    Command,
    Notice,
    beat_layout,
    command_layout,
    event_signature,
    host_rx_layout,
    host_tx_layout,
    notice_layout,
    trace_layout,
)
from ttpoe.link.fsm import Event
from ttpoe.verilog.emit import wrapped
from ttpoe.verilog.top import EngineTop, flat_fields

CONFIG = preset("tiny")


class Core(wiring.Component):
    """Ports as an engine has them; what comes in goes out: MAC, hosts crosswise, command."""

    def __init__(self):
        super().__init__(
            {
                "i_mac": In(event_signature(beat_layout(CONFIG))),
                "o_mac": Out(stream.Signature(beat_layout(CONFIG))),
                "i_host": In(stream.Signature(host_tx_layout(CONFIG))).array(3),
                "o_host": Out(stream.Signature(host_rx_layout(CONFIG))).array(3),
                "i_command": In(stream.Signature(command_layout)),
                "o_notice": Out(event_signature(notice_layout)),
                "o_trace": Out(event_signature(trace_layout(CONFIG))),
                "cfg_node": In(24),
                "stat_rx_good": Out(1),
                "o_ready": Out(1),
                "o_free_slots": Out(CONFIG.count_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        mac, sent = self.i_mac, self.o_mac
        command, notice, trace = self.i_command, self.o_notice, self.o_trace
        m.d.comb += [
            *(sent.p[name].eq(mac.p[name]) for name in ("data", "keep", "last")),
            sent.valid.eq(mac.valid),
            self.stat_rx_good.eq(mac.p.error & sent.ready),
            notice.valid.eq(command.valid),
            command.ready.eq(self.o_ready),
            notice.p.node.eq(command.p.node),
            notice.p.vc.eq(command.p.vc),
            notice.p.notice.eq(command.p.command.as_value() << 1),
            trace.valid.eq(command.valid),
            trace.p.event.eq(Event.HOST_CLOSE),
            trace.p.frame_node.eq(self.cfg_node),
            self.o_ready.eq(self.cfg_node[0]),
            self.o_free_slots.eq(self.cfg_node),
        ]
        for vc in range(3):
            sink, source = self.i_host[vc], self.o_host[2 - vc]
            names = ("data", "keep", "last", "node")
            m.d.comb += [
                *(source.p[name].eq(sink.p[name]) for name in names),
                source.p.id.eq(0x1D000000 + vc),
                source.valid.eq(sink.valid),
                sink.ready.eq(source.ready),
            ]
        return m


def check(test):
    top = EngineTop(Core())

    async def testbench(ctx):
        def put(**values):
            for name, value in values.items():
                ctx.set(getattr(top, name), value)

        test(put, lambda name: ctx.get(getattr(top, name)))

    simulate(top, testbench)


def test_frames_and_the_mark_of_a_bad_one():
    def test(put, get):
        rng = random.Random(1)
        for _ in range(20):
            beat = dict(tdata=rng.getrandbits(CONFIG.width_bits), tlast=rng.getrandbits(1))
            beat |= dict(tkeep=rng.getrandbits(CONFIG.width_bytes), tvalid=rng.getrandbits(1))
            bad, ready = rng.getrandbits(1), rng.getrandbits(1)
            put(**{f"s_mac_rx_{name}": value for name, value in beat.items()})
            put(s_mac_rx_tuser=bad, m_mac_tx_tready=ready)
            assert {name: get(f"m_mac_tx_{name}") for name in beat} == beat
            assert get("stat_rx_good") == (bad and ready)

    check(test)


@pytest.mark.parametrize("vc", range(3))
def test_each_host_port_is_its_own(vc):
    """Destination in `tdest`; {ID, source node} in `tuser`; `tready` the other way."""

    def test(put, get):
        source = f"m_host_rx{2 - vc}"
        beat = dict(tdata=0x1234567, tkeep=0x0F, tlast=1)
        put(**{f"s_host_tx{vc}_{name}": value for name, value in beat.items()})
        put(**{f"s_host_tx{vc}_tdest": 0xABCDEF, f"s_host_tx{vc}_tvalid": 1})
        assert {name: get(f"{source}_{name}") for name in beat} == beat
        assert get(f"{source}_tuser") == (0x1D000000 + vc) << 24 | 0xABCDEF
        assert [get(f"m_host_rx{n}_tvalid") for n in range(3)] == [n == 2 - vc for n in range(3)]
        put(**{f"{source}_tready": 1})
        assert [get(f"s_host_tx{n}_tready") for n in range(3)] == [n == vc for n in range(3)]

    check(test)


def test_commands_notices_levels_and_the_trace():
    """{command, vc, node} and {notice, vc, node}, the node in the lowest bits."""

    def test(put, get):
        put(cfg_node=0x5A0005)
        put(s_cmd_tdata=Command.CLOSE.value << 26 | 2 << 24 | 0x123456, s_cmd_tvalid=1)
        assert get("m_notice_tdata") == Notice.REFUSED.value << 26 | 2 << 24 | 0x123456
        assert get("m_notice_tvalid") and get("trace_valid")
        assert get("ready") and get("s_cmd_tready")
        assert get("free_slots") == 0x5A0005 % (1 << CONFIG.count_bits)
        assert get("trace_event") == Event.HOST_CLOSE.value
        assert get("trace_frame_node") == 0x5A0005 and get("trace_node") == 0

    check(test)


def test_which_ports_each_top_has():
    ports = {
        name: set(wrapped(name, CONFIG).signature.members)
        for name in ("engine", "nic", "managed_nic")
    }
    engine, nic, managed = ports.values()
    assert {name for name in nic - engine if not name.startswith("stat_")} == {
        *(f"{stem}_{part}" for stem in ("s_os_tx", "m_os_rx")
          for part in ("tdata", "tkeep", "tlast", "tvalid", "tready")),
        "s_os_tx_tuser",
        "cfg_os_enable",
    }  # fmt: skip
    assert engine < nic
    gone = {name for name in nic if name.startswith(("cfg_", "s_cmd_", "m_notice_"))}
    assert nic - managed == gone
    new = {name for name in managed - nic if not name.startswith("s_axil_")}
    assert new == {"node", "open_id_seed", "irq"}
    assert not any(name.endswith(("mac_rx_tready", "notice_tready")) for name in engine)


def test_fields_of_a_layout_in_its_order():
    inner = data.StructLayout({"b": 2, "c": data.StructLayout({"d": 3})})
    layout = data.StructLayout({"a": 1, "in": inner})
    assert list(flat_fields(layout)) == [
        ("a", ("a",), 1),
        ("in_b", ("in", "b"), 2),
        ("in_c_d", ("in", "c", "d"), 3),
    ]
