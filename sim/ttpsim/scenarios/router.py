"""Two engines in two networks: the IPv4 form crosses routers, the Ethernet form a switch.

DATA is opened by `a` in the IPv4 form, REQ_HI by `b` in the Ethernet form; each is answered in its
own form, and so are strangers. TTL lasts for eight routers; some frames are marked, some get lost.
"""

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.datagram import Network, is_datagram, pack, parse
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
STRANGER = 0xABCDEF


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
            ipv4_mask=0xFFFFFF,
            ipv4_router_upper=int.from_bytes(router[:3], "big"),
            ipv4_router_lower=int.from_bytes(router[3:], "big"),
        )


def strangers(bench):
    """Frames of the IPv4 form for links that `b` has not, two good and two bad."""
    fields = {"epoch": 9, "ethertype": ETHERTYPE_IPV4}
    payload = Frame(STRANGER, bench.b.address, Opcode.PAYLOAD, REQ_LO, 5, payload=b"?", **fields)
    close = Frame(STRANGER, bench.b.address, Opcode.CLOSE, REQ_LO, 5, **fields)
    for frame in (payload, close):
        bench.b.play(pack(frame, Network()))
    spoiled = bytearray(pack(close, Network()))
    spoiled[24] ^= 1
    bench.b.play(spoiled)
    bench.b.play(pack(close, Network(prefix=11)))


@scenario
async def router(bench):
    a, b = bench.a, bench.b
    count = bench.params["payloads"]
    configure(bench)
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
    for node, peer in ((a, b), (b, a)):
        for _ in range(count):
            node.send(peer.address, rng.choice((DATA, REQ_HI)), rng.randbytes(rng.randint(1, 300)))
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
        assert not counters["stray"] and counters["routed"] and counters["switched"], counters
        # The answers to strangers come here, too, and are not ours.
        good = [
            frame.data
            for frame in sink.frames_in
            if parse(frame.data, Network(), sink.address, frame.bad)[0] is not None
        ]
        marked = sum(is_datagram(data) and data[15] & 3 == 3 for data in good)
        assert counts["rx_marked"] == marked > 0
        # The checksum; the address of another network is nobody's here.
        wrong = (1, 1) if sink is bench.b else (0, counts["rx_not_ours"])
        assert (counts["rx_bad_tth"], counts["rx_not_ours"]) == wrong
    bench.report(f"{channels[0].counters['routed']} frames routed from a to b")
