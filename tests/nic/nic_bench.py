"""Frames of every kind, and a bench that drives and watches any number of beat streams at once."""

import random
from functools import lru_cache

from amaranth.hdl import ResetInserter, Signal
from scapy.contrib.lldp import LLDPDUChassisID, LLDPDUEndOfLLDPDU, LLDPDUPortID, LLDPDUTimeToLive
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from tests.simulated import Simulated
from ttpverif.frames.fields import with_field
from ttpverif.frames.frame import ETHERTYPES
from ttpverif.frames.scapy_ttp import ttp_frame

TTP, OS = "TTP", "OS"


def rng_for(*parts):
    """Seeded by the test and its parameters; the seed is in the failure as these parts."""
    return random.Random(repr(parts))


def _ethernet(**fields):
    return Ether(src="02:00:00:00:00:07", dst="98:ed:5c:00:00:02", **fields)


def ordinary(rng, jumbo=9014):
    """A frame of the operating system, by Scapy: (what it is, bytes)."""
    load = Raw(rng.randbytes(rng.choice((0, 1, 18, 46, rng.randint(0, 400), 1400))))
    ip, ip6 = IP(src="10.0.0.7", dst="10.0.0.2"), IPv6(src="fd00::7", dst="fd00::2")
    hidden = bytes(ttp_frame(1, 2, "PAYLOAD", tx_id=7, payload=b"inside a tag"))[14:]
    lldp = (
        LLDPDUChassisID(subtype=4, id="02:00:00:00:00:07")
        / LLDPDUPortID(subtype=7, id="p1")
        / LLDPDUTimeToLive(ttl=120)
        / LLDPDUEndOfLLDPDU()
    )
    kinds = {
        "arp": _ethernet() / ARP(op=1, psrc="10.0.0.7", pdst="10.0.0.2"),
        "padded arp": _ethernet() / ARP(op=2) / Raw(bytes(18)),
        "ipv4 udp": _ethernet() / ip / UDP(sport=5000, dport=53) / load,
        "ipv4 tcp": _ethernet() / ip / TCP(sport=80, dport=40000, flags="PA") / load,
        "ipv4 ttp port": _ethernet() / ip / UDP(sport=420, dport=420) / load,
        "ping": _ethernet() / ip / ICMP() / load,
        "ipv6": _ethernet() / ip6 / ICMPv6EchoRequest(data=load.load),
        "vlan ipv4": _ethernet() / Dot1Q(vlan=5, prio=7) / ip / UDP() / load,
        "vlan ttp": _ethernet() / Dot1Q(vlan=5, type=rng.choice((0x0AC6, 0x9AC6))) / Raw(hidden),
        "double vlan": _ethernet(type=0x88A8) / Dot1Q(vlan=1) / Dot1Q(vlan=2) / ip / load,
        "lldp": Ether(src="02:00:00:00:00:07", dst="01:80:c2:00:00:0e") / lldp,
        "jumbo": _ethernet() / ip / UDP() / Raw(rng.randbytes(jumbo - 42)),
        "almost ttp": _ethernet(type=rng.choice((0x0AC5, 0x0AC7, 0x9AC7, 0x1AC6, 0x8AC6))) / load,
        "runt": None,
    }
    kind = rng.choice(list(kinds))
    if kind == "runt":
        size = rng.choice((14, 15, 16, 17, 42, 59, 60, 61, 63))
        return kind, bytes(_ethernet(type=0x0800) / Raw(rng.randbytes(49)))[:size]
    return kind, bytes(kinds[kind])


def ttp(rng):
    """A frame that is TTP, good or not, by Scapy."""
    opcode = rng.choice(("PAYLOAD", "ACK", "OPEN", "CLOSE", "NACK"))
    payload = rng.randbytes(rng.choice((1, 4, 5, 64, 300, 1024))) if opcode == "PAYLOAD" else b""
    peer = rng.choice((2, 3))
    vc, tx_id = rng.randrange(3), rng.getrandbits(32)
    frame = bytes(ttp_frame(1, peer, opcode, vc=vc, tx_id=tx_id, payload=payload))
    frame = with_field(frame, "ethertype", rng.choice(ETHERTYPES))
    if rng.random() < 0.2:
        frame = frame[: rng.choice((14, 15, 20, 60, 63))]
    return frame


def mixture(rng, count, jumbo=9014, errors=0.1, shorts=0.1):
    """`count` of (bytes, error, whose): whose is OS, TTP, or None for what nobody gets."""
    frames = []
    for _ in range(count):
        octets, whose = (ttp(rng), TTP) if rng.random() < 0.4 else (ordinary(rng, jumbo)[1], OS)
        if rng.random() < shorts:
            octets, whose = octets[: rng.randint(1, 13)], None
        error = rng.random() < errors
        frames.append((octets, error, None if error else whose))
    return frames


def beats(octets, width, error=0, rng=None):
    """(data, keep, last, error) per beat; with `rng`, junk where nothing counts."""
    result = []
    for start in range(0, len(octets), width):
        part, last = octets[start : start + width], start + width >= len(octets)
        junk = rng.getrandbits(8 * (width - len(part))) if rng and len(part) < width else 0
        result.append(
            (
                int.from_bytes(part, "little") | junk << 8 * len(part),
                (1 << len(part)) - 1,
                int(last),
                int(error) if last else int(rng is not None and rng.random() < 0.5),
            )
        )
    return result


class Sender:
    """Drives `frames`, (bytes, error) each, into a port; `gap` is the chance of a pause.

    `start`: the clock of the first beat; `pause`: clocks behind each frame. `taken`: the
    clocks of each frame's first and last beat.
    """

    def __init__(self, port, frames, width, rng, gap=0.0, start=0, pause=0):
        self.port, self.rng, self.gap, self.start, self.pause = port, rng, gap, start, pause
        self.beats = [beat for octets, error in frames for beat in beats(octets, width, error, rng)]
        self.offered, self.taken, self._first = False, [], None

    def drive(self, ctx, clock):
        if not self.offered:
            self.offered = (
                bool(self.beats) and clock >= self.start and (self.rng.random() >= self.gap)
            )
        ctx.set(self.port.valid, self.offered)
        if self.offered:
            for name, value in zip(("data", "keep", "last", "error"), self.beats[0]):
                ctx.set(getattr(self.port.p, name), value)
        else:
            ctx.set(self.port.p.last, 1)
            ctx.set(self.port.p.error, self.rng.getrandbits(1))

    def sample(self, ctx, clock):
        if self.offered and (self.port.signature.always_ready or ctx.get(self.port.ready)):
            last = self.beats.pop(0)[2]
            self._first = clock if self._first is None else self._first
            if last:
                self.taken.append((self._first, clock))
                self._first, self.start = None, clock + 1 + self.pause
            self.offered = False

    @property
    def done(self):
        return not self.beats


class Receiver:
    """Takes frames off a port and checks the stream rules; `ready(clock)`, and `gaps` allowed.

    `frames`: bytes. `clocks`: those in which the first beat was valid and the last one taken.
    `errors`: the mark of each frame; only where `marks` is set may it be 1.
    """

    def __init__(self, port, width, ready=lambda clock: True, gaps=False, marks=False):
        self.port, self.width, self.ready, self.gaps = port, width, ready, gaps
        self.marks = marks
        self.frames, self.clocks, self.errors = [], [], []
        self._parts, self._first, self._stuck = [], None, None

    def drive(self, ctx, clock):
        ctx.set(self.port.ready, bool(self.ready(clock)))

    def sample(self, ctx, clock):
        ready = ctx.get(self.port.ready)
        if not ctx.get(self.port.valid):
            assert self._stuck is None, f"beat taken back in clock {clock}"
            assert self.gaps or self._first is None or not ready, f"gap in clock {clock}"
            return
        count = ctx.get(self.port.p.keep).bit_count()
        last = ctx.get(self.port.p.last)
        assert ctx.get(self.port.p.keep) == (1 << count) - 1 and count
        assert last or count == self.width
        error = ctx.get(self.port.p.error)
        assert not error or (last and self.marks)
        beat = ctx.get(self.port.p.data).to_bytes(self.width, "little")[:count], last, error
        assert self._stuck in (None, beat), f"beat changed while it waited, clock {clock}"
        if self._first is None:
            self._first = clock
        self._stuck = None if ready else beat
        if not ready:
            return
        self._parts.append(beat[0])
        if last:
            self.frames.append(b"".join(self._parts))
            self.errors.append(error)
            self.clocks.append((self._first, clock))
            self._parts, self._first = [], None

    def forget(self):
        self._parts, self._first, self._stuck = [], None, None


@lru_cache(maxsize=16)
def _simulated(dut):
    """The simulation of this component, and the signal that resets it."""
    reset = Signal()
    return Simulated(ResetInserter(reset)(dut), 1e-8), reset


class Bench:
    """Runs a component with senders and receivers; `counts`: pulses of the signals named."""

    def __init__(self, dut, senders=(), receivers=(), pulses=()):
        self.dut, self.senders, self.receivers = dut, list(senders), list(receivers)
        self.counts = dict.fromkeys(pulses, 0)

    def run(self, clocks=None, idle=60, resets=(), each_clock=None):
        """`clocks` in all, or until every sender is done and nothing came out for `idle`."""

        simulated, reset = _simulated(self.dut)

        async def bench(ctx):
            clock = quiet = 0
            if hasattr(self.dut, "cfg_os_enable"):
                ctx.set(self.dut.cfg_os_enable, 1)
            while clock < clocks if clocks is not None else quiet < idle:
                ctx.set(reset, clock in resets)
                for end in (*self.senders, *self.receivers):
                    end.drive(ctx, clock)
                if each_clock is not None:
                    each_clock(ctx, clock)
                if clock not in resets:
                    busy = not all(sender.done for sender in self.senders)
                    for receiver in self.receivers:
                        busy |= bool(ctx.get(receiver.port.valid))
                        receiver.sample(ctx, clock)
                    for sender in self.senders:
                        sender.sample(ctx, clock)
                    for name in self.counts:
                        self.counts[name] += ctx.get(getattr(self.dut, name))
                    quiet = 0 if busy else quiet + 1
                else:
                    for receiver in self.receivers:
                        receiver.forget()
                await ctx.tick()
                clock += 1
                assert clock < 200_000, "nothing comes to an end"

        simulated.run(bench)
        return self
