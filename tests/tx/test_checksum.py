"""The header checksum of the IPv4 form: on the wire behind the queues it is what Scapy computes, for
lengths and addresses of every kind."""

import random
import struct
from functools import partial

import pytest
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from scapy.layers.inet import IP

from tests.long import BITS
from tests.streams import simulate
from tests.tx.path_bench import NODE, Bench, boundary_lengths, is_payload
from tests.tx.test_datagram import NETWORK, expected, scapy_is_content, set_up
from tests.tx.tx_bench import random_control
from ttpoe.config import Config
from ttpoe.tx.datagram import LEAST_PADDED, HeaderSum, is_short, with_carry
from ttpverif.frames.datagram import Network

EDGES = (0x0000, 0x0001, 0xFFFE, 0x8000, 0x7FFF)
"""Checksums where a sum in one's complement goes wrong: a carry too many or too few, two zeros."""


def by_scapy(prefix, source, node, length):
    """The checksum that Scapy gives to the header of a frame with so many bytes of payload."""
    address = partial(Network(prefix).address)
    src, dst = (".".join(map(str, address(n))) for n in (source, node))
    header = IP(src=src, dst=dst, ttl=9, id=0, flags="DF", proto=17, len=46 + max(4, length))
    return struct.unpack_from(">H", bytes(header), 10)[0]


def at_a_carry(prefix, upper, below):
    """A node, its upper byte given: its own words and the constants add up to `below` less than
    what would carry out of 16 bits once more."""
    header = Network(prefix).address(upper << 16) + bytes([prefix, 0, 0, 0])
    header += struct.pack(">HHHH", 0x4500, 46, 0x4000, 9 << 8 | 17)
    return upper << 16 | (0xFFFF - below - sum(struct.unpack(">8H", header))) % 0x10000


def node_for(checksum, prefix, source, length, upper):
    """The node, its upper byte given, to which a frame has that checksum."""
    without = by_scapy(prefix, source, upper << 16, length)
    # The words but for the node's lower ones add up to its complement, modulo 65,535.
    return upper << 16 | (without - checksum) % 0xFFFF


class Checksum(wiring.Component):
    """What the queues make of `HeaderSum`, without a queue."""

    def __init__(self):
        super().__init__(
            {
                "cfg_node": In(24),
                "cfg_ipv4_prefix": In(8),
                "node": In(24),
                "length": In(11),
                "o": Out(16),
                "o_empty": Out(16),
            }
        )

    def elaborate(self, platform):
        m = Module()
        header_sum = HeaderSum(m, self)
        kept = Signal(16)
        padded = Mux(is_short(self.length), LEAST_PADDED, self.length)
        m.d.comb += [
            kept.eq(header_sum.of(self.node, empty=False)),
            self.o.eq(~with_carry(kept + padded)),
            self.o_empty.eq(~header_sum.of(self.node, empty=True)),
        ]
        return m


def test_every_length_and_the_edges_of_the_sum():
    """Every length with its own addresses, some of them chosen so that the sum is at an edge."""
    rng, dut = random.Random(1), Checksum()
    seen = set()

    async def testbench(ctx):
        for length in range(1025):
            prefix, source = rng.choice((0, 10, 127, 255)), rng.getrandbits(24)
            if length % 7 == 0:
                source, prefix = at_a_carry(255, length & 0xFF, length // 7 % 8), 255
            nodes = [rng.getrandbits(24), 0, 0xFFFFFF]
            nodes += [node_for(e, prefix, source, length, rng.getrandbits(8)) for e in EDGES]
            ctx.set(dut.cfg_node, source)
            ctx.set(dut.cfg_ipv4_prefix, prefix)
            ctx.set(dut.length, length)
            await ctx.tick().repeat(3)
            for node in nodes:
                ctx.set(dut.node, node)
                said = (prefix, source, node)
                told = by_scapy(*said, length)
                assert ctx.get(dut.o) == told, (said, length)
                seen.add(told)
                assert ctx.get(dut.o_empty) == by_scapy(*said, 0), said

    simulate(dut, testbench)
    assert set(EDGES) <= seen


def config_of(width_bits, **changes):
    return Config(width_bits=width_bits, payload_depth=8, encapsulation="ipv4", **changes)


def check(frame, said, payload=b""):
    """Byte for byte, and by Scapy."""
    assert frame == expected(said, payload, NODE), (said, len(payload))
    if said["ipv4"]:
        scapy_is_content(frame, len(payload))


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("ready", [1.0, 0.6])
def test_frames_of_both_kinds_and_forms(width_bits, ready):
    rng = random.Random(width_bits + int(10 * ready))
    config = config_of(width_bits)
    bench = Bench(config, rng, ready)
    lengths = rng.sample(boundary_lengths(config.width_bytes), 12) + [1, 3, 4, 5, 1024]
    lengths += [rng.randint(1, 1024 if width_bits > 64 else 200) for _ in range(20)]
    form = lambda: {"ipv4": int(rng.random() < 0.7)}
    controls = [random_control(rng, config.lid_bits) | form() for _ in range(60)]
    descriptors = [bench.descriptor(slot) | form() for slot in range(len(lengths))]
    for edge, control in zip(EDGES, controls):
        control |= {"node": node_for(edge, NETWORK.prefix, NODE, 0, 0xFF), "ipv4": 1}
    for edge, descriptor, length in zip(EDGES, descriptors, lengths):
        descriptor |= {"node": node_for(edge, NETWORK.prefix, NODE, length, 0), "ipv4": 1}

    async def testbench(ctx):
        set_up(ctx, bench.path, NODE)
        for slot, length in enumerate(lengths):
            await bench.fill(ctx, slot, rng.randbytes(length))
        bench.controls, bench.payloads = list(controls), list(descriptors)
        await bench.run(ctx, len(controls) + len(descriptors))

    simulate(bench.dut, testbench)
    frames = [frame for frame, *_ in bench.sink.frames]
    for frame, said in zip(filter(is_payload, frames), descriptors, strict=True):
        check(frame, said, bench.payload_of[said["slot"]])
    answers = [frame for frame in frames if not is_payload(frame)]
    for frame, said in zip(answers, controls, strict=True):
        check(frame, said)
