"""The engine in the NIC: the same ports, the same clocks, and the OS beside it."""

from functools import cache

import pytest

from tests.long import crossed, long_case
from tests.nic.nic_bench import Bench, Receiver, Sender, rng_for
from ttpoe.config import PRESETS, Config
from ttpoe.engine import Engine
from ttpoe.nic.nic import Nic
from ttpoe.nic.os_path import STATS
from ttpoe.stats import STATS as ENGINE_STATS
from ttpverif.frames.fields import field_of, with_field
from ttpverif.frames.scapy_ttp import ttp_frame

NODE, PEER = 2, 1
READY = 80  # clocks after which the memories of the small engine are initialised


@cache
def built(block, width):
    """The block in `tiny` of that width; one for all tests, since it takes long to compile."""
    return block(PRESETS["tiny"].replace(width_bits=8 * width))


def configure(ctx, dut):
    for name, value in {
        "enable": 1,
        "os_enable": 1,
        "node": NODE,
        "init_id": 1,
        "timer_tick": 1 << 20,
        "max_retry": 8,
    }.items():
        if f"cfg_{name}" in dut.signature.members:
            ctx.set(getattr(dut, f"cfg_{name}"), value)


def run(dut, width, frames, from_os=(), start=READY):
    """What leaves for the MAC, and the OS, when `frames` come from the wire."""
    rng = rng_for("nic", width)
    senders = [Sender(dut.i_mac, frames, width, rng, 0.0, start, pause=30)]
    receivers = [Receiver(dut.o_mac, width)]
    if hasattr(dut, "o_os"):
        senders.append(Sender(dut.i_os, from_os, width, rng, 0.0, start))
        receivers.append(Receiver(dut.o_os, width))
    names = [name for name in dut.signature.members if name.startswith("stat_")]
    bench = Bench(dut, senders, receivers, names).run(
        clocks=start + 32 * len(frames) + 3200 // width + 60,
        each_clock=lambda ctx, clock: configure(ctx, dut),
    )
    return receivers, {name: count for name, count in bench.counts.items() if count}


def conversation(ethertype=0x0AC6):
    """OPEN, PAYLOAD, a PAYLOAD ahead of its turn, CLOSE."""
    frames = [
        ttp_frame(PEER, NODE, "OPEN", vc=2, tx_id=5, epoch=9),
        ttp_frame(PEER, NODE, "PAYLOAD", vc=2, tx_id=6, epoch=9, payload=b"x" * 90),
        ttp_frame(PEER, NODE, "PAYLOAD", vc=2, tx_id=8, epoch=9, payload=b"y"),
        ttp_frame(PEER, NODE, "ACK", vc=0, rx_id=8, epoch=9),
    ]
    result = []
    for frame in map(bytes, frames):
        result.append((with_field(frame, "ethertype", ethertype), False))
    return result


def test_ports_are_the_engines_and_the_os():
    config = Config()
    nic, engine = Nic(config).signature, Engine(config).signature
    assert all(nic.members[name] == member for name, member in engine.members.items())
    assert set(nic.members) - set(engine.members) == {"i_os", "o_os", "cfg_os_enable", *STATS}
    assert not set(STATS) & set(ENGINE_STATS)


WIDTHS = (8, *map(long_case, (16, 32, 64)))  # compiling two whole engines takes long


@pytest.mark.parametrize("width, ethertype", crossed(WIDTHS, [0x0AC6, 0x9AC6]))
def test_no_clock_slower_than_the_engine_alone(width, ethertype):
    frames = conversation(ethertype)
    (alone,), counts_alone = run(built(Engine, width), width, frames)
    (mac, os), counts = run(built(Nic, width), width, frames)
    assert len(alone.frames) >= 3
    assert (mac.frames, mac.clocks) == (alone.frames, alone.clocks)
    assert all(field_of(frame, "ethertype") == ethertype for frame in mac.frames)
    assert os.frames == [] and counts == counts_alone


@pytest.mark.parametrize("width", WIDTHS)
def test_ordinary_traffic_in_between(width):
    """Every answer comes as before, nothing counts as an error, the OS gets the rest."""
    arp = bytes.fromhex("ffffffffffff020000000007 0806") + bytes(28)
    vlan = bytes(12) + b"\x81\x00\x00\x05\x0a\xc6" + bytes(60)
    plain = conversation()
    mixed = [entry for frame in plain for entry in ((arp, False), frame, (vlan, False))]
    mixed.append((arp, True))
    (mac, os), counts = run(built(Nic, width), width, mixed, from_os=[(arp, False)])
    (alone,), counts_alone = run(built(Engine, width), width, plain)
    assert [frame for frame in mac.frames if frame != arp] == alone.frames
    assert mac.frames.count(arp) == 1
    assert os.frames == [arp, vlan] * 4
    assert counts == counts_alone | {
        "stat_rx_other_ethertype": 8,
        "stat_rx_bad_fcs": 1,
        "stat_os_rx_kept": 8,
        "stat_os_tx_sent": 1,
    }


def test_the_os_does_not_wait_for_the_engine():
    """Frames pass right after reset, before the tags are swept."""
    arp = bytes(12) + b"\x08\x06" + bytes(46)
    (mac, os), _ = run(built(Nic, 8), 8, [(arp, False)], from_os=[(arp, False)], start=0)
    assert mac.frames == os.frames == [arp]
    assert mac.clocks[0][0] == os.clocks[0][0] == 7 + 3
