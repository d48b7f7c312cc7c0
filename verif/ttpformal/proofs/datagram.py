"""Proofs of the IPv4 form (decisions E1 to E8): what is taken as TTP, and what is sent."""

from amaranth.hdl import Mux, Signal

from ttpoe.rx.parser import DROP_CAUSES

from ..memories import inner
from ..proof import Defect
from . import rx
from .rx import TESLA

IPV4, UDP, PORT = 0x0800, 17, 420


def has_ipv4_form(field):
    """E1, of a frame that has its byte 37."""
    return (
        (field(12, 2) == IPV4)
        & (field(14, 1) == 0x45)
        & ((field(20, 2) & 0x1FFF) == 0)
        & (field(23, 1) == UDP)
        & (field(36, 2) == PORT)
    )


def folded(total):
    """A sum of fewer than 2^16 words whose carries are added at bit 0, as RFC 1071 does it."""
    once = (total[:16] + total[16:])[:17]
    return (once[:16] + once[16:])[:16]


def check_folding(h):
    """One's complement addition, a carry added at bit 0 behind each of up to ten words, any, gives
    what `folded` makes of their plain sum."""
    word, start = h.free(16, "word"), h.free(1, "start")
    plain, sum_, words = Signal(20), Signal(16), Signal(4)
    wide = Signal(17)
    h.m.d.comb += wide.eq(sum_ + word)
    with h.m.If(start):
        h.m.d.sync += [plain.eq(word), sum_.eq(word), words.eq(1)]
    with h.m.Elif(words < 10):
        h.m.d.sync += [plain.eq(plain + word), sum_.eq(wide[:16] + wide[16:]), words.eq(words + 1)]
    h.check((words <= 10) & (plain <= words * 0xFFFF))
    h.check(folded(plain) == sum_)


class Parser(rx.Parser):
    shows = (
        "FrameParser that knows the IPv4 form: a frame has it exactly if E1 holds, and then is"
        " good exactly if all conditions of F1 as E6 has them hold, the header's checksum among"
        " them; each other frame has the Ethernet form, as in `rx.parser`. Every frame is good or"
        " counted under the first cause that holds; what is told of it are its own bytes; a mark"
        " is counted of good frames of the IPv4 form alone"
    )
    config = "64 bits; frames of any length, one behind the other or not; any node and prefix"
    encapsulation = "ipv4"
    cover_depth = 14
    defect_depth = 14
    defects = (
        Defect(
            "a header with options is taken",
            "rx/datagram.py",
            '("version_ihl", word["version_ihl"] == IPV4_HEADER),',
            '("version_ihl", word["version_ihl"][4:] == IPV4_HEADER >> 4),',
        ),
        Defect(
            "a later fragment is taken",
            "rx/datagram.py",
            'word["fragment"][:13] == 0',
            'word["fragment"][:12] == 0',
        ),
        Defect(
            "the first fragment is taken",
            "rx/datagram.py",
            "self.o_bad_header.eq(~sound | more | stranger)",
            "self.o_bad_header.eq(~sound | stranger)",
        ),
        Defect(
            "any protocol is taken for UDP",
            "rx/datagram.py",
            'word["ip_protocol"] == IPV4_UDP',
            'word["ip_protocol"][1:] == IPV4_UDP >> 1',
        ),
        Defect(
            "half a port is enough",
            "rx/datagram.py",
            "by_beat[last].append(frame.keep[(port + 1) % config.width_bytes])",
            "by_beat[last].append(frame.keep[port % config.width_bytes])",
        ),
        Defect(
            "the checksum's carries are lost",
            "rx/datagram.py",
            "(total[:16] + total[16:]) == 0xFFFF",
            "total[:16] == 0xFFFF",
        ),
        Defect(
            "the sum goes on from the frame before",
            "rx/datagram.py",
            "before = 0 if beat == min(words_of) else total",
            "before = total",
        ),
        Defect(
            "IPv4's length may be below UDP's",
            "rx/parser.py",
            "due.as_signed() < tsh",
            "due.as_signed() + 1 < tsh",
        ),
        Defect(
            "the padding of routers is missed",
            "rx/parser.py",
            "self._match.o_type & frame.p.keep[HEADER_BYTES % width_bytes - 1]",
            "self._match.o_type & frame.p.keep[HEADER_BYTES % width_bytes]",
        ),
        Defect(
            "the last byte of the destination is not looked at",
            "rx/datagram.py",
            "for n in range(4):\n            with m.If(self._passes(start + n)):",
            "for n in range(3):\n            with m.If(self._passes(start + n)):",
        ),
    )

    def inputs(self, h, dut, parts):
        self.prefix = h.constant(8, "prefix")
        h.m.d.comb += dut.cfg_ipv4_prefix.eq(self.prefix)
        self.match, self.checks = inner(parts, "match"), inner(parts, "checks")

    def length(self, field):
        return Mux(field(12, 2) == IPV4, field(38, 2), field(40, 2))

    def total(self, field, beats=5):
        """The sum of the header's words in so many beats, added up beat by beat: the solver does not
        find by itself that another order gives the same."""
        total = 0
        for beat in range(1, beats):
            words = range(max(14, 8 * beat), min(34, 8 * beat + 8), 2)
            total = total + sum(field(offset, 2) for offset in words)
        return total

    def causes(self, h, dut, frame, node):
        field, (has_port, _) = frame.field, frame.byte(37)
        self.form, sound = Signal(), Signal()
        h.m.d.comb += [
            self.form.eq(has_port & has_ipv4_form(field)),
            sound.eq(folded(self.total(field)) == 0xFFFF),
        ]
        udp, opcode = field(38, 2), field(42, 1) & 0x3F
        address = (field(30, 1) == self.prefix) & (field(31, 3) == node)
        of_ipv4 = {
            "other_ethertype": 0,
            "runt": frame.length < 60,
            "wrong_oui": field(0, 3) != TESLA,
            "not_ours": (field(3, 3) != node) | ~address,
            "own_source": field(27, 3) == node,
            "bad_tth": ~sound | field(20, 1)[5] | (field(26, 1) != self.prefix),
            "tsh_range": (udp < 26) | (udp > 1050),
            "total_mismatch": field(16, 2) < udp + 20,
            "truncated": frame.length < udp + 34,
            "empty_payload": (opcode == 6) & (udp == 26),
        }
        return {
            cause: Mux(self.form, of_ipv4.get(cause, holds), holds)
            for cause, holds in super().causes(h, dut, frame, node).items()
        }

    def told(self, frame):
        field, said = frame.field, super().told(frame)
        return said | {"ipv4": self.form, "node": Mux(self.form, field(27, 3), said["node"])}

    def more(self, h, dut, frame, good):
        field = frame.field
        form = h.past(h.past(self.form))
        check_folding(h)
        marked = good & self.form & (field(15, 1)[:2] == 3)
        h.check(dut.stat_rx_marked == h.past(h.past(marked)))
        h.reach(dut.stat_rx_marked)
        for cause in DROP_CAUSES:
            if cause != "other_ethertype":
                h.reach(getattr(dut, f"stat_rx_{cause}") & form)
        # A sum with more than one carry; a router's padding; a form right behind the other.
        plain = Signal(20)
        h.m.d.comb += plain.eq(self.total(field))
        h.reach(good & self.form & (plain[16:] >= 2))
        h.reach(good & self.form & (frame.length == 60))
        was = h.past(self.form & good)
        h.reach(good & ~self.form & (frame.length == 64) & (self.since(h, was) == 8))

    def since(self, h, event):
        """Clocks since the last `event`, and one."""
        count = Signal(4)
        h.m.d.sync += count.eq(Mux(event, 1, Mux(count.all(), count, count + 1)))
        return count

    def known(self, h, inner, field, node):
        udp = field(38, 2)
        checks, match = self.checks, self.match
        so_far = {2: (field(12, 2) == IPV4) & (field(14, 1) == 0x45), 5: has_ipv4_form(field)}
        so_far[3] = so_far[2] & ((field(20, 2) & 0x1FFF) == 0) & (field(23, 1) == UDP)
        beat = inner["index"]
        for since, until, value in ((2, 2, so_far[2]), (3, 4, so_far[3]), (5, 2047, so_far[5])):
            h.check_if((beat >= since) & (beat <= until), match["so_far"] == value)
        for beats in (2, 3, 4, 5):
            there = beat >= 5 if beats == 5 else beat == beats
            h.check_if(there, checks["total"] == self.total(field, beats))
        said = super().known(h, inner, field, node)
        said[2] |= {"mac_source": field(9, 3)}
        said[5] = {"_udp_length": udp, "ipv4": so_far[5]}
        inside = {
            2: {"o_marked": field(15, 1)[:2] == 3},
            3: {"more": field(20, 1)[5]},
            4: {
                "stranger": field(26, 1) != self.prefix,
                "o_node": field(27, 3),
                "o_own_source": field(27, 3) == node,
            },
        }
        for after, values in inside.items():
            for name, value in values.items():
                h.check_if(beat >= after, checks[name] == value)
        ours = (self.prefix, node[16:], node[8:16], node[:8])
        for n in range(4):
            wrong = field(30 + n, 1) != ours[n]
            h.check_if(beat >= (4 if n < 2 else 5), checks["wrong"][n] == wrong)
        h.check_if(beat >= 2, match["was_type"] == (field(12, 2) == IPV4))
        return said

    def mismatch(self, field, due):
        other = super().mismatch(field, due)
        return Mux(field(12, 2) == IPV4, due.as_signed() < field(38, 2), other)

    def parsed(self, field):
        said = super().parsed(field)
        del said[2]["node"]
        return said


class Payload(rx.Payload):
    shows = (
        "FrameParser that knows the IPv4 form: what it writes are bytes 60 onwards of the frame,"
        " whatever its form, as in `rx.payload`"
    )
    encapsulation = "ipv4"
