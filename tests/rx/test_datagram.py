"""The parser and the IPv4 form: frames that Scapy built, capture 30, and everything wrong."""

from pathlib import Path

import pytest
from amaranth.sim import Simulator
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

import tests.rx.test_parser as parser_bench
from tests.long import BYTES, crossed
from tests.rx.rx_frames import OTHER_NAMES, OUR_NODE, drive, frame, rng_for, schedule, spoiled
from ttpoe.config import Config
from ttpoe.rx.datagram import DatagramMatch
from ttpverif.frames.datagram import Network, checksum, mark, parse, route
from ttpverif.frames.frame import ETHERTYPE_IPV4, ETHERTYPES, Opcode
from ttpverif.frames.scapy_ttp import ipv4_frame, ttp_frame
from ttpverif.malformed import DST, datagrams

NETWORK = Network()
CAPTURE = Path(__file__).parents[1] / "data" / "pcap" / "30_ipv4_encap.pcap"
FIELDS = ("opcode", "node", "vc", "ieee", "epoch", "selective", "tx_id", "rx_id")
OWN_OUI = "02:ab:cd"
ROUTER = bytes.fromhex("020000000001")
PAYLOAD = int(Opcode.PAYLOAD)


def run(width, frames, node=OUR_NODE, rng=None, stall=0.0, oui=0x98ED5C):
    """Per frame: (cause or None, what it says or None); and how many were marked."""
    config = Config(width_bits=8 * width, encapsulation="ipv4", oui=oui)
    return parser_bench.observe(config, schedule(frames, width, rng, stall), node)


def expected(octets, error=False, node=OUR_NODE):
    good, cause = parse(octets, NETWORK, node, bool(error))
    if cause:
        return OTHER_NAMES.get(cause, cause), None
    said = {name: getattr(good, name, None) for name in FIELDS}
    ipv4 = good.ethertype == ETHERTYPE_IPV4
    said |= {
        "node": good.src,
        "ipv4": int(ipv4),
        "ieee": 0 if ipv4 else ETHERTYPES.index(good.ethertype),
        "selective": int(good.extension == 0x20),
        "payload": good.payload if good.opcode == PAYLOAD else None,
    }
    return None, said


def datagram(opcode="PAYLOAD", payload=b"", src=0x010203, dst=OUR_NODE, **fields):
    return bytes(ipv4_frame(src, dst, opcode, payload, **fields))


def check(width, frames, rng=None, stall=0.0, node=OUR_NODE):
    results, marked = run(width, frames, node, rng, stall)
    assert len(results) == len(frames)
    for number, ((octets, error), result) in enumerate(zip(frames, results)):
        assert result == expected(octets, error, node), (number, octets[:64].hex(), len(octets))
    return [result[0] for result in results], marked


@pytest.mark.parametrize("width", BYTES)
def test_both_forms_back_to_back(width):
    """Scapy's frames, each right behind one of the Ethernet form."""
    rng, frames = rng_for("forms", width), []
    for size in (1, 3, 4, 5, 6, 20, 63, 64, 65, 500, 1023, 1024):
        payload = rng.randbytes(size)
        fields = {"vc": rng.randrange(3), "tx_id": rng.getrandbits(32), "epoch": 0xBEEF}
        frames.append((datagram(payload=payload, **fields), False))
        frames.append((frame(PAYLOAD, payload, ethertype=0x9AC6, **fields), False))
        frames.append((datagram("OPEN", extension=0x20, rx_id=rng.getrandbits(32)), False))
    causes, marked = check(width, frames)
    assert causes == [None] * 36 and marked == 0


@pytest.mark.parametrize("width", BYTES)
def test_capture_of_teslas_module(width):
    """Every frame of capture 30, at the node that it was sent to."""
    frames = [bytes(packet) for packet in rdpcap(str(CAPTURE))]
    for node in (1, 2):
        mine = [(data, False) for data in frames if data[5] == node]
        causes, _ = check(width, mine, node=node)
        assert len(mine) >= 4 and causes == [None] * len(mine)


@pytest.mark.parametrize("width", BYTES)
def test_the_table_of_datagrams(width):
    """Each cause, and a good frame right behind it."""
    cases, good = datagrams(), datagram(payload=b"good", dst=DST)
    frames = [entry for case in cases for entry in ((case.data, False), (good, False))]
    causes, _ = check(width, frames, node=DST)
    assert causes[::2] == [OTHER_NAMES.get(case.cause, case.cause) for case in cases]
    assert causes[1::2] == [None] * len(cases) and len(cases) > 40


@pytest.mark.parametrize("width, stall", crossed(BYTES, [0.0, 0.4]))
def test_random_frames(width, stall):
    """Any byte of the headers changed, with and without a checksum that is right again."""
    rng, frames = rng_for("datagrams", width, stall), []
    for _ in range(70):
        octets = bytearray(datagram(payload=rng.randbytes(rng.choice((1, 4, 5, 70)))))
        for _ in range(rng.choice((0, 1, 1, 2))):
            octets[rng.randrange(60)] ^= rng.choice((1, 1 << rng.randrange(8), 0xFF))
        if rng.random() < 0.6:
            octets[24:26] = b"\0\0"
            octets[24:26] = checksum(octets[14:34]).to_bytes(2, "big")
        octets = bytes(octets)
        size = rng.choice((len(octets), len(octets), rng.randrange(1, 65), 200))
        frames.append((octets.ljust(size, b"\xee")[:size], rng.random() < 0.05))
        frames.append(spoiled(frame(PAYLOAD, rng.randbytes(9)), rng))
    causes, _ = check(width, frames, rng, stall)
    assert {None, "bad_tth", "other_ethertype", "not_ours", "runt"} <= set(causes)


@pytest.mark.parametrize("width", BYTES)
def test_any_header_and_one_wrong_bit(width):
    """Scapy's checksum of any ID, TTL, service, length and source is right; with a bit of the header
    turned over the frame is never taken, and what says nothing else to us is a wrong checksum."""
    rng, frames, wrong = rng_for("headers", width), [], {}
    for bit in range(8 * 14, 8 * 34):
        packet = Ether(datagram(payload=rng.randbytes(rng.randint(1, 90)), src=rng.getrandbits(23)))
        ip = packet[IP]
        ip.id, ip.ttl, ip.tos = rng.getrandbits(16), rng.randint(1, 255), rng.getrandbits(8)
        ip.flags = rng.choice(("DF", 0))
        ip.len += rng.choice((0, 0, rng.randrange(60)))
        del ip.chksum
        good = bytearray(bytes(packet))
        frames.append((bytes(good), False))
        good[bit // 8] ^= 0x80 >> bit % 8
        wrong[len(frames)] = bit // 8
        frames.append((bytes(good), False))
    causes, _ = check(width, frames, rng)
    assert causes[::2] == [None] * 160
    silent = {15, 18, 19, 22, 24, 25}  # service, identification, TTL, checksum
    for number, octet in wrong.items():
        assert causes[number] == "bad_tth" if octet in silent else causes[number], (number, octet)


@pytest.mark.parametrize("width", BYTES)
def test_what_routers_do(width):
    """TTL, MACs, padding of 60 bytes; marks are counted, of good frames of this form alone."""
    mac = b"\x98\xed\x5c" + OUR_NODE.to_bytes(3, "big")
    routed = [route(datagram("ACK", payload), ROUTER, mac) for payload in (b"", b"noc", b"more")]
    short = datagram("ACK")[:60]
    ecn = [datagram("ACK") for _ in range(3)]
    for number, data in enumerate(ecn):
        packet = Ether(data)
        packet[IP].tos = number  # not capable, and both codes that are
        del packet[IP].chksum
        ecn[number] = bytes(packet)
    wrong = bytearray(mark(datagram("ACK")))
    wrong[25] ^= 1
    ethernet = bytearray(frame(Opcode.ACK))
    ethernet[15] = 3
    frames = [*routed, short, *ecn, mark(datagram("ACK")), bytes(wrong), bytes(ethernet)]
    causes, marked = check(width, [(data, False) for data in frames])
    assert causes == [None] * 8 + ["bad_tth", None] and marked == 1


def test_scapy_agrees_on_checksums():
    for payload in (b"", b"x", bytes(1024)):
        data = datagram("PAYLOAD" if payload else "ACK", payload)
        assert checksum(data[14:34]) == 0
        assert Ether(data)[UDP].len == 26 + len(payload)


@pytest.mark.parametrize("width", (8, 64))
def test_another_oui(width):
    """With `Config.oui` Tesla's addresses are strangers', in both forms."""
    frames = []
    for build in (ipv4_frame, ttp_frame):
        data, own = (bytes(build(1, OUR_NODE, "ACK", **said)) for said in ({}, {"oui": OWN_OUI}))
        frames += [data, own, own[:6] + data[6:]]
    results, _ = run(width, [(data, False) for data in frames], oui=0x02ABCD)
    assert [cause for cause, _ in results] == [
        "wrong_oui", None, None, "wrong_oui", None, "wrong_oui"
    ]  # fmt: skip


@pytest.mark.parametrize("width", BYTES)
def test_when_it_is_known_that_a_frame_matches(width):
    """From the beat of the UDP ports on; of no other frame, and not of the one before."""
    dut, seen = DatagramMatch(Config(width_bits=8 * width, encapsulation="ipv4")), []
    frames = [datagram("ACK"), frame(Opcode.ACK), datagram("ACK"), frame(PAYLOAD, bytes(70))]
    expects = []
    for octets in frames:
        beats = -(-len(octets) // width)
        expects += [octets[12] == 8 and beat >= 37 // width for beat in range(beats)]

    async def bench(ctx):
        index = 0
        for beat in schedule([(octets, False) for octets in frames], width):
            drive(ctx, dut.i, beat)
            ctx.set(dut.index, index)
            seen.append(bool(ctx.get(dut.o_matches)))
            index = 0 if beat[2] else index + 1
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    assert seen == expects and any(seen)
