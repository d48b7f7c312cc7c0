"""Two engines in two networks: the IPv4 form crosses routers, the Ethernet form a switch.

DATA is opened by `a` in the IPv4 form, REQ_HI by `b` in the Ethernet form; each is answered in its
own form, and so are strangers, in between and at the end, one of them on this side of the router.
TTL lasts for eight routers; some frames are marked, some get lost.
"""

import functools

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.datagram import Network, is_datagram, is_marked, pack, parse
from ttpverif.frames.frame import ETHERTYPE_IPV4, Frame, Opcode, node_to_mac
from ttpverif.frames.router import Router

# fmt: off
RUNS = [
    {"sim": "verilator", "preset": preset, "name": preset,
     "config": {"name": f"{preset}_ipv4", "encapsulation": "ipv4"},
     "params": {"payloads": payloads}, "short": short}
    for preset, payloads, short in (("tiny", 200, {"payloads": 40}), ("full", 400, None))
]
# fmt: on

ROUTERS = {"a": bytes.fromhex("020000000aaa"), "b": bytes.fromhex("020000000bbb")}
REQ_LO, REQ_HI, DATA = 0, 1, 2
LINK_UP = 0
EVERY = 40  # payloads between two frames of strangers


def form_counts(node):
    """`{vc: {whether a frame of it has the IPv4 form}}` of all frames that left the engine."""
    forms = {vc: set() for vc in (REQ_LO, REQ_HI, DATA)}
    for frame in node.frames_out:
        forms[frame.data[43]].add(is_datagram(frame.data))
    return forms


def routers(bench):
    """The wires: (a to b, b to a)."""
    channels = []
    for source, sink in ((bench.a, bench.b), (bench.b, bench.a)):
        channels.append(
            Router(
                bench.rng(f"from {source.name}").getrandbits(32),
                ROUTERS[source.name],
                ROUTERS[sink.name],
                node_to_mac(sink.address),
                hops=8,
                marked=0.2,
                loss=0.04,
                duplicate=0.02,
                reorder=0.02,
                corrupt=0.02,
                delay_cycles=(20, 60),
                reorder_cycles=400,
            )
        )
    return channels


def configure(bench):
    for node in bench.nodes:
        router = ROUTERS[node.name]
        node.configure(
            timer_tick=max(8, 1024 // bench.config["links"]),  # a round is longer than a round trip
            max_retry=0,
            ipv4=node is bench.a,
            ipv4_prefix=10,
            ipv4_mask=bench.a.address ^ bench.b.address,
            ipv4_router_upper=int.from_bytes(router[:3], "big"),
            ipv4_router_lower=int.from_bytes(router[3:], "big"),
        )


def far_and_near(bench):
    """Two strangers as `b` sees them: like `a` behind its router, and beside it."""
    mask = bench.a.address ^ bench.b.address
    other = ~mask & (mask + 1)  # a bit in which a and b agree
    return bench.a.address ^ other, bench.b.address ^ other


def strangers(bench):
    """Frames of the IPv4 form for links that `b` has not: good ones, which it answers, and two
    bad ones."""
    frame_of = functools.partial(Frame, epoch=9, ethertype=ETHERTYPE_IPV4)
    for stranger in far_and_near(bench):
        said = stranger, bench.b.address
        payload = frame_of(*said, Opcode.PAYLOAD, REQ_LO, 5, payload=b"?")
        close = frame_of(*said, Opcode.CLOSE, REQ_LO, 5)
        for frame in (payload, close):
            bench.b.play(pack(frame, Network()))
    spoiled = bytearray(pack(close, Network()))
    spoiled[24] ^= 1
    bench.b.play(spoiled)
    bench.b.play(pack(close, Network(prefix=11)))
    bench.strangers += 1


@scenario
async def router(bench):
    a, b = bench.a, bench.b
    count = bench.params["payloads"]
    configure(bench)
    bench.strangers = 0
    channels = routers(bench)
    bench.connect(*channels)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    a.open(b.address, DATA)
    b.open(a.address, REQ_HI)
    await bench.until(
        lambda: all(sum(n.notice == LINK_UP for n in node.notices) == 2 for node in bench.nodes),
        1_000_000,
        "a link of each form",
    )
    rng = bench.rng("payloads")
    for sent in range(0, count, EVERY):
        for node, peer in ((a, b), (b, a)):
            for _ in range(EVERY):
                vc = rng.choice((DATA, REQ_HI))
                node.send(peer.address, vc, rng.randbytes(rng.randint(1, 300)))
        strangers(bench)
        # Of the other form than its link, and of another epoch: looked at, and dropped.
        b.play(Frame(a.address, b.address, Opcode.ACK, DATA, 1, 1, epoch=9).pack())
        await bench.until(
            lambda sent=sent: min(len(a.received), len(b.received)) > sent + EVERY // 2,
            20_000 * EVERY,
            "half of the last payloads",
        )
    await bench.until(
        lambda: len(a.received) == len(b.received) == count, 20_000 * count, "all payloads"
    )
    for node, peer, vc in ((a, b, REQ_HI), (b, a, DATA)):
        node.close(peer.address, vc)
    await bench.until(
        lambda: all(len(node.notices) == 4 for node in bench.nodes), 2_000_000, "both links closed"
    )
    strangers(bench)
    await bench.cycles(5_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()
    judge(bench, channels)


def judge(bench, channels):
    """Forms, what the routers made of the frames, and Scapy's word on every header."""
    for node in bench.nodes:
        answers = {True} if node is bench.b else set()  # to strangers
        assert form_counts(node) == {REQ_LO: answers, REQ_HI: {False}, DATA: {True}}
        for frame in node.frames_out:
            if is_datagram(frame.data):
                packet = Ether(frame.data)
                told = packet[IP].chksum
                del packet[IP].chksum
                assert Ether(bytes(packet))[IP].chksum == told
                assert packet[IP].ttl == 9
    for channel, sink in zip(channels, (bench.b, bench.a)):
        counters, counts = channel.counters, sink.counts()
        # To the stranger on its own side of the router b says what the router must not get: two
        # answers for each time it was heard.
        near = 2 * bench.strangers * (sink is bench.a)
        assert counters["stray"] == near and counters["routed"] and counters["switched"], counters
        # The answers to strangers come here, too, and are not ours.
        good = [
            frame.data
            for frame in sink.frames_in
            if parse(frame.data, Network(), sink.address, frame.bad)[0] is not None
        ]
        marked = sum(map(is_marked, good))
        assert counts["rx_marked"] == marked > 0
        # The checksum; the address of another network is nobody's here.
        bad = bench.strangers
        wrong = (bad, bad) if sink is bench.b else (0, counts["rx_not_ours"])
        assert (counts["rx_bad_tth"], counts["rx_not_ours"]) == wrong
    bench.report(f"{channels[0].counters['routed']} frames routed from a to b")
