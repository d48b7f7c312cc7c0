"""TTP and the operating system on one wire that loses and breaks frames (claim S3).

Every TTP frame is the engine's, every other good frame reaches the OS unchanged and in order; on
transmit TTP goes first and a frame of the OS waits for 17 TTP frames at most.
"""

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep
from ttpverif.frames.frame import Frame, Opcode, is_ttp
from ttpverif.frames.network import Channel
from ttpverif.frames.scapy_ttp import ttp_frame

# fmt: off
RUNS = [
    {"sim": "verilator", "preset": "tiny", "top": "nic", "params": {"payloads": 150, "jumbo": 4000},
     "short": None},
    {"sim": "verilator", "preset": "full", "top": "nic",
     "params": {"payloads": 300, "jumbo": 9014}, "short": None},
    {"sim": "icarus", "preset": "tiny", "top": "nic", "params": {"payloads": 6, "jumbo": 1500},
     "short": {"payloads": 4}},
]
# fmt: on

VCS = (0, 1, 2)
LOSS = 0.03
TTP_IN_A_ROW = 16  # decision N7
LONGEST_TTP = 1084


def ordinary(rng, number, jumbo):
    """A frame of the OS, told apart by its source MAC."""
    ether = Ether(src=f"02:00:00:00:{number >> 8:02x}:{number & 0xFF:02x}", dst="ff:ff:ff:ff:ff:ff")
    load = Raw(rng.randbytes(rng.choice((1, 18, 46, 200, 1400))))
    ip = IP(src="10.0.0.1", dst="10.0.0.2")
    return bytes(
        rng.choice(
            (
                ether / ARP(op=1),
                ether / ARP(op=1) / Raw(bytes(18)),
                ether / ip / UDP() / load,
                ether / ip / UDP(sport=420, dport=420) / load,
                ether / IPv6() / ICMPv6EchoRequest(data=load.load),
                ether / Dot1Q(vlan=9) / ip / UDP() / load,
                ether / Dot1Q(vlan=9, type=0x9AC6) / bytes(ttp_frame(1, 2, "ACK"))[14:],
                ether / ip / UDP() / Raw(rng.randbytes(jumbo - 42)),
            )
        )
    )


class Wire:
    """What left one NIC, and what it may have let through to the other."""

    def __init__(self, bench, node, peer):
        self.bench, self.node, self.peer = bench, node, peer
        self.good = []  # frames of the OS that arrived whole
        node.listeners.append(self._out)
        peer.listeners.append(self._in)
        self.waits, self.in_a_row, self.delays = [], [], []

    def _in(self, kind, record):
        if kind == "frame_in" and not record.bad and not is_ttp(record.data):
            self.good.append(record.data)

    def _out(self, kind, record):
        """How long each frame of the OS waited; a frame is ready 3 clocks after its last beat."""
        if kind != "frame_out" or is_ttp(record.data):
            return
        number = sum(not is_ttp(frame.data) for frame in self.node.frames_out) - 1
        mine = [frame for frame in self.node.os_sent if frame.data == record.data]
        ready = mine[0].last_cycle + 3
        before = [frame for frame in self.node.frames_out[:-1] if not is_ttp(frame.data)]
        if before:  # and not before its predecessor has gone
            ready = max(ready, before[-1].last_cycle + 1)
        self.waits.append(record.first_cycle - ready)
        self.in_a_row.append(
            sum(is_ttp(frame.data) and frame.first_cycle >= ready for frame in self.node.frames_out)
        )
        assert number == len(self.waits) - 1


@scenario
async def nic(bench):
    a, b, rng = bench.a, bench.b, bench.rng("traffic")
    count, jumbo = bench.params["payloads"], bench.params["jumbo"]
    channels = [
        Channel(bench.rng(f"{way} wire").getrandbits(32), loss=LOSS, corrupt=LOSS, delay_cycles=30)
        for way in ("a to b", "b to a")
    ]
    bench.connect(*channels)
    for node in bench.nodes:
        node.configure(timer_tick=8, max_retry=0)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    wires = [Wire(bench, a, b), Wire(bench, b, a)]

    wanted = {}
    for node, peer in ((a, b), (b, a)):
        for _ in range(count):
            node.send(peer.address, rng.choice(VCS), rng.randbytes(rng.randint(1, 1024)))
        wanted[node.name] = [ordinary(rng, number, jumbo) for number in range(count)]
        for number, data in enumerate(wanted[node.name]):
            node.os_send(data)
            if number % 10 == 3:  # what the OS may not send
                node.os_send(Frame(peer.address, node.address, Opcode.ACK, rx_id=number).pack())
                node.os_send(data[:13])
                node.os_send(data, bad=True)
    forbidden = len(range(3, count, 10))

    await bench.until(
        lambda: len(a.received) == len(b.received) == count,
        40_000 * count,
        f"{count} payloads each way",
    )
    slots = bench.config["slots"]
    await bench.until(
        lambda: all(n.level("free_slots") == slots for n in bench.nodes),
        400_000,
        "every slot acknowledged and free",
        poll=True,
    )
    await bench.until(
        lambda: all(n.counts()["os_tx_sent"] == count for n in bench.nodes),
        4_000 * count,
        "the OS's frames sent",
        poll=True,
    )
    await bench.cycles(5_000)
    deliveries.finish()
    for feed in followed:
        feed.finish()

    for wire in wires:
        check_wire(wire, wanted[wire.node.name], count, forbidden, bench)
    for channel in channels:
        assert channel.counters["lost"] and channel.counters["corrupted"]
    measure(bench, wires)


def check_wire(wire, wanted, count, forbidden, bench):
    """Claim S3 for one way, from the ports; then from the counters."""
    node, peer = wire.node, wire.peer
    ordinary_out = [frame.data for frame in node.frames_out if not is_ttp(frame.data)]
    assert ordinary_out == wanted, "on the wire unchanged and in order"
    assert not any(is_ttp(frame.data) for frame in peer.os_received), "TTP leaked to the OS"
    received = [frame.data for frame in peer.os_received]
    counts, sent = peer.counts(), node.counts()
    assert counts["os_rx_kept"] == len(received)
    assert counts["os_rx_kept"] + counts["os_rx_full"] == counts["rx_other_ethertype"]
    assert counts["rx_other_ethertype"] == len(wire.good)
    assert counts["os_rx_full"] == 0 and received == wire.good, "unchanged and in order"
    assert counts["rx_runt"] == 0
    assert counts["rx_bad_fcs"] == sum(frame.bad for frame in peer.frames_in)
    assert [sent[f"os_tx_{name}"] for name in ("sent", "aborted", "short", "ttp", "too_long")] == [
        count,
        forbidden,
        forbidden,
        forbidden,
        0,
    ]
    forged = [Frame.parse(frame.data)[0] for frame in node.frames_out if is_ttp(frame.data)]
    assert all(frame is not None and frame.src == node.address for frame in forged)


def measure(bench, wires):
    """The bound of the OS; and that TTP really is first."""
    waits = [wait for wire in wires for wait in wire.waits]
    longest = -(-LONGEST_TTP * 8 // bench.a.layout.width_bits)
    assert max(waits) < (TTP_IN_A_ROW + 1) * longest, max(waits)
    assert max(n for wire in wires for n in wire.in_a_row) <= TTP_IN_A_ROW
    assert min(waits) >= 0, "a frame of the OS went out before it was whole"
    bench.record("os_wait_cycles_max", max(waits))
    bench.report(
        f"OS waited {max(waits)} clocks at most, "
        f"{max(n for wire in wires for n in wire.in_a_row)} TTP frames"
    )
