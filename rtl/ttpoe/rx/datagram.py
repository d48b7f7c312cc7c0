"""The IPv4 form of a frame: which frames have it, and what is wrong with one.

Source: section 10 (IPv4 mode), decisions E1 to E5, RFC 791 and RFC 768.
"""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout, event_signature
from ..protocol import FIELDS, IPV4_FIELDS, IPV4_HEADER, IPV4_TYPE, IPV4_UDP, UDP_PORT

__all__ = ["INDEX_BITS", "DatagramChecks", "DatagramMatch", "word_of"]

INDEX_BITS = 8
"""Bits of a beat number that tells apart all beats of the longest frame that counts."""

_CONGESTION_EXPERIENCED = 3


def word_of(frame, config, field):
    """A field within one beat, big-endian, while it passes."""
    start, length = field
    width = config.width_bytes
    assert start // width == (start + length - 1) // width
    return Cat(frame.data.word_select((start + n) % width, 8) for n in reversed(range(length)))


class DatagramMatch(wiring.Component):
    """Tells frames of the IPv4 form from all others: UDP port 420 behind an IPv4 header without
    options, whole or the first fragment (E1).

    Members
    -------
    i : In(event of beat)
        Every beat of every frame.
    index : In(INDEX_BITS)
        Its number within its frame; saturates.
    o_type : Out(1)
        The frame's EtherType is IPv4's: from the beat that has it on, in the clock of a beat.
    o_matches : Out(1)
        It has the IPv4 form: from the beat with the UDP ports on. Low before, and in a frame that
        ends before.

    Timing: both in the clock of the beat, and until the next one.

    Reset: no frame matches until its first beat.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(event_signature(beat_layout(config))),
                "index": In(INDEX_BITS),
                "o_type": Out(1),
                "o_matches": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, frame = self._config, self.i.p
        word = {
            name: word_of(frame, config, field)
            for name, field in (FIELDS | IPV4_FIELDS).items()
            if name in ("ethertype", "version_ihl", "fragment", "ip_protocol", "udp_dst_port")
        }
        port = IPV4_FIELDS["udp_dst_port"].offset
        conditions = (
            ("ethertype", word["ethertype"] == IPV4_TYPE),
            ("version_ihl", word["version_ihl"] == IPV4_HEADER),
            ("fragment", word["fragment"][:13] == 0),
            ("ip_protocol", word["ip_protocol"] == IPV4_UDP),
            ("udp_dst_port", word["udp_dst_port"] == UDP_PORT),
        )
        by_beat = {}
        for name, holds in conditions:
            offset = (FIELDS | IPV4_FIELDS)[name].offset
            by_beat.setdefault(offset // config.width_bytes, []).append(holds)
        first = min(by_beat)
        last = max(by_beat)
        by_beat[last].append(frame.keep[(port + 1) % config.width_bytes])

        was_type = Signal()
        so_far = Signal()
        matches = Signal()
        m.d.comb += [self.o_type.eq(was_type), matches.eq(so_far)]
        for beat, holds in by_beat.items():
            with m.If(self.index == beat):
                before = Const(1) if beat == first else so_far
                m.d.comb += matches.eq(before & Cat(holds).all())
                if beat == first:
                    m.d.comb += self.o_type.eq(holds[0])
        m.d.comb += self.o_matches.eq(matches & (self.index >= last))
        with m.If(self.i.valid):
            m.d.sync += [was_type.eq(self.o_type), so_far.eq(matches)]
        return m


class DatagramChecks(wiring.Component):
    """What the IPv4 header of a frame says and what is wrong with it, if the frame has one.

    Members
    -------
    i : In(event of beat), index : In(INDEX_BITS)
        As of `DatagramMatch`.
    cfg_node : In(24), cfg_ipv4_prefix : In(8)
        Our address is the prefix, then the node (E2).
    o_not_ours, o_own_source : Out(1)
        The destination is another address; the source is our own.
    o_bad_header : Out(1)
        The header's checksum is wrong, it is a fragment, or the source has another prefix.
    o_marked : Out(1)
        A router on the way marked the frame: congestion experienced (RFC 3168).
    o_node : Out(24)
        The source's node.

    Timing: from the clock after the beat that ends the header, byte 33, until the next frame has
    got as far.

    Reset: nothing of the outputs counts.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(event_signature(beat_layout(config))),
                "index": In(INDEX_BITS),
                "cfg_node": In(24),
                "cfg_ipv4_prefix": In(8),
                "o_not_ours": Out(1),
                "o_own_source": Out(1),
                "o_bad_header": Out(1),
                "o_marked": Out(1),
                "o_node": Out(24),
            }
        )

    def elaborate(self, platform):
        m = Module()
        sound = self._checksum(m)
        more = Signal()  # fragments follow
        stranger = Signal()
        wrong = Signal(4)
        self._capture(m, "service", self.o_marked, lambda w: w[:2] == _CONGESTION_EXPERIENCED)
        self._capture(m, "fragment", more, lambda w: w[13])
        self._capture(m, "ip_src_prefix", stranger, lambda w: w != self.cfg_ipv4_prefix)
        self._capture(m, "ip_src_node", self.o_node, lambda w: w)
        self._capture(m, "ip_src_node", self.o_own_source, lambda w: w == self.cfg_node)
        # The destination straddles two beats at 64 bits and more: byte by byte.
        ours = Cat(self.cfg_node, self.cfg_ipv4_prefix)
        start = IPV4_FIELDS["ip_dst_prefix"].offset
        for n in range(4):
            with m.If(self._passes(start + n)):
                m.d.sync += wrong[n].eq(self._octet(start + n) != ours.word_select(3 - n, 8))
        m.d.comb += [
            self.o_not_ours.eq(wrong.any()),
            self.o_bad_header.eq(~sound | more | stranger),
        ]
        return m

    def _passes(self, offset):
        return self.i.valid & (self.index == offset // self._config.width_bytes)

    def _octet(self, offset):
        return self.i.p.data.word_select(offset % self._config.width_bytes, 8)

    def _capture(self, m, name, target, value):
        field = IPV4_FIELDS[name]
        with m.If(self._passes(field.offset)):
            m.d.sync += target.eq(value(word_of(self.i.p, self._config, field)))

    def _checksum(self, m):
        """Whether the header's ten words add up to 0xFFFF in one's complement."""
        width = self._config.width_bytes
        start, end = IPV4_FIELDS["version_ihl"].offset, IPV4_FIELDS["ip_dst_node"].offset + 3
        total = Signal(16 + ceil_log2(10))
        words_of = {}
        for offset in range(start, end, 2):
            words_of.setdefault(offset // width, []).append(
                Cat(self._octet(offset + 1), self._octet(offset))
            )
        for beat, words in words_of.items():
            with m.If(self.i.valid & (self.index == beat)):
                before = 0 if beat == min(words_of) else total
                m.d.sync += total.eq(before + sum(words))
        # The carries are fewer than ten, so the sum of the two is all ones or it is not.
        return (total[:16] + total[16:]) == 0xFFFF
