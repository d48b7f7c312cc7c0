"""Received frames: header fields, all checks, and the payload realigned.

Source: section 1 (frame, lengths, what is dropped) and decisions F1 to F4.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import beat_layout, event_signature, form_layout, header_layout
from ..protocol import (
    EXT_CONGESTION,
    EXT_SELECTIVE,
    FIELDS,
    HEADER_BYTES,
    IPV4_FIELDS,
    MAX_PAYLOAD_BYTES,
    TOTAL_OVER_TSH,
    TSH_BYTES,
    TSH_OFFSET,
    TTH_BYTE0,
    EtherType,
    Opcode,
)
from ..stream.carry import Carry
from .datagram import DatagramChecks, DatagramMatch, word_of

__all__ = ["FrameParser", "DROP_CAUSES", "parsed_layout", "payload_write_layout"]

DROP_CAUSES = {
    "bad_fcs": "the MAC marked the frame as bad",
    "other_ethertype": "neither 0x0AC6 nor 0x9AC6: not TTP; in a NIC it is for the OS",
    "runt": "shorter than 64 bytes without FCS",
    "wrong_oui": "source or destination MAC is not Tesla's",
    "not_ours": "the destination node is not cfg_node",
    "own_source": "the source node is cfg_node: no link with ourselves",
    "bad_tth": "byte 14 is not 0x05",
    "tsh_range": "TSH length below 26 or above 1050",
    "total_mismatch": "total length is not TSH length + 20",
    "truncated": "fewer bytes than the TSH length says",
    "bad_opcode": "opcode above 10",
    "bad_vc": "VC above 2",
    "empty_payload": "PAYLOAD without a byte of payload",
}
"""Why a frame does not parse, in the order of decision F1: the first that holds is counted."""

LENGTH_BITS = 11  # frame lengths are told apart up to 34 + 1050 bytes; longer ones saturate


def parsed_layout(config):
    """What a good frame says. `last_beat`, `last_lane`: where its last payload byte lies."""
    return data.StructLayout(
        {
            **header_layout(),
            "payload": 1,
            "last_lane": ceil_log2(config.width_bytes),
            "last_beat": config.beat_bits,
            **form_layout(config),
        }
    )


def payload_write_layout(config):
    """One beat of payload, first byte in lane 0; lanes behind the payload's end hold anything."""
    return data.StructLayout({"beat": config.beat_bits, "data": config.width_bits})


class FrameParser(wiring.Component):
    """Checks frames, takes their header apart and realigns their payload.

    Members
    -------
    i_frame : In(event_signature(beat_layout))
        Frames from the MAC, any length from one byte; a beat in every clock, also across frames.
    cfg_node : In(24)
        Our node number.
    cfg_ipv4_prefix : In(8)
        With `Config.ipv4`: the first byte of every node's IPv4 address (E2).
    o_write : Out(event_signature(payload_write_layout))
        Bytes 60 onwards of every frame, good or bad, at most 1024, beat by beat from 0. They
        count only if the frame turns out to be a good PAYLOAD.
    frame_ended : Out(1)
        One clock after the last beat of each frame; the last `o_write` comes no later.
    o_parsed : Out(event_signature(parsed_layout))
        With `frame_ended` if the frame is good.
    stat_rx_<cause> : Out(1) for each of `DROP_CAUSES`
        One clock after `frame_ended` if the frame is not: exactly one of them.
    stat_rx_marked : Out(1)
        With `Config.ipv4`, one clock after `frame_ended`: the frame is good, and a router marked it
        (E7).

    Timing: last beat in clock 0, `frame_ended` and `o_parsed` in clock 1, `stat_rx_*` in clock 2.
    Throughput one beat per clock for ever; nothing is held back. At 512 bits that is a whole
    control frame per clock. A payload beat is written when the wire beat behind it arrives, or
    in the clock after the frame's last beat.

    At 64 and 128 bits the header is judged while the frame's further beats come: between the last
    beat and `o_parsed` there is one LUT or two. At 256 and 512 bits header and end may be one beat.

    Reset: the next beat is the first of a frame.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_frame": In(event_signature(beat_layout(config))),
                "cfg_node": In(24),
                "o_write": Out(event_signature(payload_write_layout(config))),
                "frame_ended": Out(1),
                "o_parsed": Out(event_signature(parsed_layout(config))),
                **{f"stat_rx_{cause}": Out(1) for cause in DROP_CAUSES},
                **({"cfg_ipv4_prefix": In(8), "stat_rx_marked": Out(1)} if config.ipv4 else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lane_bits = ceil_log2(self._config.width_bytes)
        # Saturates, so that a frame of any length counts as "longer than anything we look at".
        index = Signal(LENGTH_BITS - lane_bits)
        frame = self.i_frame
        with m.If(frame.valid):
            with m.If(frame.p.last):
                m.d.sync += index.eq(0)
            with m.Elif(~index.all()):
                m.d.sync += index.eq(index + 1)
        m.d.sync += self.frame_ended.eq(frame.valid & frame.p.last)

        self._realign(m, index)
        self._datagram(m, index)
        found = self._header_checks(m, index)
        if self._config.ipv4:
            self._datagram_causes(m, found)
        found.update(self._length_checks(m, index))
        self._verdict(m, found)
        return m

    # ---- payload ---------------------------------------------------------------------------

    def _realign(self, m, index):
        config, frame = self._config, self.i_frame
        m.submodules.carry = carry = Carry(config.width_bytes, 4)
        # The wire beat that was taken last and holds the first four bytes of a payload beat.
        held = Signal()
        held_beat = Signal(config.beat_bits)
        first = config.header_beats - 1
        with m.If(frame.valid):
            m.d.sync += [
                held.eq((index >= first) & (index < first + config.slot_beats)),
                held_beat.eq(index - first),
            ]
        with m.Elif(self.frame_ended):
            m.d.sync += held.eq(0)
        m.d.comb += [
            carry.beat.eq(frame.p.data),
            carry.advance.eq(frame.valid),
            self.o_write.valid.eq(held & (frame.valid | self.frame_ended)),
            self.o_write.p.beat.eq(held_beat),
            self.o_write.p.data.eq(carry.joined),
        ]

    # ---- checks ----------------------------------------------------------------------------

    def _octet(self, offset):
        return self.i_frame.p.data.word_select(offset % self._config.width_bytes, 8)

    def _word(self, name):
        """The field `name` (within one beat at every width), big-endian, while it passes."""
        return word_of(self.i_frame.p, self._config, FIELDS[name])

    def _passes(self, offset, index):
        return self.i_frame.valid & (index == offset // self._config.width_bytes)

    def _beat_of(self, name):
        return FIELDS[name].offset // self._config.width_bytes

    @property
    def _judged_early(self):
        """Whether what the header says is known before the last beat of the shortest good frame."""
        judged = ("ethertype", "tth_byte0", "tsh_length", "opcode", "vc")
        return max(map(self._beat_of, judged)) < self._config.header_beats - 1

    def _datagram(self, m, index):
        """What the IPv4 form adds, if it is built."""
        if not self._config.ipv4:
            return
        m.submodules.match = self._match = match = DatagramMatch(self._config)
        m.submodules.checks = self._checks = checks = DatagramChecks(self._config)
        for block in (match, checks):
            m.d.comb += [
                block.i.valid.eq(self.i_frame.valid),
                block.i.p.eq(self.i_frame.p),
                block.index.eq(index),
            ]
        m.d.comb += [
            checks.cfg_node.eq(self.cfg_node),
            checks.cfg_ipv4_prefix.eq(self.cfg_ipv4_prefix),
        ]
        self._udp_length = Signal(16)
        length = word_of(self.i_frame.p, self._config, IPV4_FIELDS["udp_length"])
        start = IPV4_FIELDS["udp_length"].offset
        if start // self._config.width_bytes == self._beat_of("tsh_length"):
            m.d.comb += self._udp_length.eq(length)
        else:
            with m.If(self._passes(start, index)):
                m.d.sync += self._udp_length.eq(length)

    def _tsh_length(self):
        """The length of the transport header and payload, and 8; in the beat of the TSH length.

        UDP's length counts the same bytes.
        """
        tsh = self._word("tsh_length")
        return Mux(self._match.o_type, self._udp_length, tsh) if self._config.ipv4 else tsh

    def _datagram_causes(self, m, flags):
        """The causes of a frame of the IPv4 form, where they are not those of the other."""
        checks, parsed = self._checks, self.o_parsed.p
        ipv4 = Signal()
        with m.If(self.i_frame.valid):
            m.d.sync += ipv4.eq(self._match.o_matches)
        m.d.comb += [
            parsed.ipv4.eq(ipv4),
            parsed.node.eq(Mux(ipv4, checks.o_node, self._mac_source)),
        ]
        m.d.sync += self.stat_rx_marked.eq(self.o_parsed.valid & ipv4 & checks.o_marked)
        flags["other_ethertype"] = flags["other_ethertype"] & ~ipv4
        flags["wrong_oui"] = Mux(ipv4, self._wrong_destination, flags["wrong_oui"])
        flags["not_ours"] = flags["not_ours"] | (ipv4 & checks.o_not_ours)
        flags["own_source"] = Mux(ipv4, checks.o_own_source, flags["own_source"])
        flags["bad_tth"] = Mux(ipv4, checks.o_bad_header, flags["bad_tth"])

    def _header_checks(self, m, index):
        """Captures the fields as they pass; which causes hold, in the clock after their beat."""
        parsed = self.o_parsed.p
        flags: dict[str, Value] = {
            cause: Signal(name=cause)
            for cause in (
                "other_ethertype",
                "not_ours",
                "own_source",
                "bad_tth",
                "tsh_range",
                "total_mismatch",
                "bad_opcode",
                "bad_vc",
            )
        }
        wrong_octet = Signal(6)
        # The source's OUI straddles two beats at 64 bits: byte by byte.
        for which, name in enumerate(("dst_oui", "src_oui")):
            for n in range(3):
                offset = FIELDS[name].offset + n
                with m.If(self._passes(offset, index)):
                    m.d.sync += wrong_octet[3 * which + n].eq(
                        self._octet(offset) != (self._config.oui >> 8 * (2 - n) & 0xFF)
                    )
        # The source of the IPv4 form's MAC may be a router.
        self._wrong_destination = wrong_octet[:3].any()
        flags["wrong_oui"] = wrong_octet.any()

        def capture(name, target, value):
            with m.If(self._passes(FIELDS[name].offset, index)):
                m.d.sync += target.eq(value)

        ieee = self._word("ethertype") == EtherType.IEEE.value
        tsh = self._tsh_length()
        opcode = self._word("opcode")[:6]  # F2: the two bits above are not ours
        # A frame that ends before its EtherType has none: it is a runt.
        with m.If(self._passes(0, index)):
            m.d.sync += flags["other_ethertype"].eq(0)
        lane = (FIELDS["ethertype"].offset + 1) % self._config.width_bytes
        has_ethertype = self.i_frame.p.keep[lane]
        capture(
            "ethertype",
            flags["other_ethertype"],
            has_ethertype & ~ieee & (self._word("ethertype") != EtherType.ARTICLE.value),
        )
        capture("dst_node", flags["not_ours"], self._word("dst_node") != self.cfg_node)
        capture("src_node", flags["own_source"], self._word("src_node") == self.cfg_node)
        capture("tth_byte0", flags["bad_tth"], self._word("tth_byte0") != TTH_BYTE0)
        capture(
            "tsh_length",
            flags["tsh_range"],
            (tsh < TSH_BYTES) | (tsh > TSH_BYTES + MAX_PAYLOAD_BYTES),
        )
        # The TSH length that belongs to the total length, which passes no later. Negative, so that
        # no length equals it, if the total is too small for any.
        due = Signal(17)
        total = self._word("total_length") - TOTAL_OVER_TSH
        if self._beat_of("total_length") == self._beat_of("tsh_length"):
            m.d.comb += due.eq(total)
        else:
            capture("total_length", due, total)
        mismatch = tsh != due
        if self._config.ipv4:  # IPv4's length may count padding
            mismatch = Mux(self._match.o_type, due.as_signed() < tsh, mismatch)
        capture("tsh_length", flags["total_mismatch"], mismatch)
        capture("opcode", flags["bad_opcode"], opcode > max(op.value for op in Opcode))
        capture("vc", flags["bad_vc"], self._word("vc") > 2)

        capture("ethertype", parsed.ieee, ieee)
        capture("opcode", parsed.opcode, opcode[:4])
        capture("opcode", parsed.payload, opcode == Opcode.PAYLOAD.value)
        capture("vc", parsed.vc, self._word("vc")[:2])
        self._mac_source = Signal(24, name="mac_source") if self._config.ipv4 else parsed.node
        capture("src_node", self._mac_source, self._word("src_node"))
        capture("epoch", parsed.epoch, self._word("epoch"))
        extension = self._word("extension")
        known = (extension & ~(EXT_SELECTIVE | EXT_CONGESTION) & 0xFF) == 0
        capture("extension", parsed.selective, known & (extension & EXT_SELECTIVE).any())
        capture("extension", parsed.controlled, known & (extension & EXT_CONGESTION).any())
        capture("congestion", parsed.congestion, self._word("congestion"))
        capture("tx_id", parsed.tx_id, self._word("tx_id"))
        capture("rx_id", parsed.rx_id, self._word("rx_id"))
        return flags

    def _length_checks(self, m, index):
        """What the end of the frame tells, in the clock after it, and that a PAYLOAD is empty."""
        frame, parsed, width_bytes = self.i_frame, self.o_parsed.p, self._config.width_bytes
        # Length - 1 = {beat number, last lane}: no adder, and it cannot wrap.
        last_octet = Signal(LENGTH_BITS)
        ends_at = [
            keep & ~above for keep, above in zip(frame.p.keep, [*frame.p.keep[1:], Const(0, 1)])
        ]
        last_lane = Cat(
            Cat(ends_at[n] for n in range(width_bytes) if n >> bit & 1).any()
            for bit in range(ceil_log2(width_bytes))
        )
        m.d.comb += last_octet.eq(Cat(last_lane, index))

        # The last byte that there must be. Modulo 2048 it is exact for every TSH length in range,
        # and the others are told before.
        needed = Signal(LENGTH_BITS)
        no_payload = Signal()
        tsh = self._tsh_length()
        with m.If(self._passes(FIELDS["tsh_length"].offset, index)):
            m.d.sync += [
                needed.eq(tsh + TSH_OFFSET - 1),
                # The number of the last payload byte; -1 if there is none.
                Cat(parsed.last_lane, parsed.last_beat, no_payload).eq(tsh - (TSH_BYTES + 1)),
            ]
        error, runt, truncated = Signal(), Signal(), Signal()
        header_ends = self._config.header_beats - 1
        ends = frame.p.keep[-1]
        if self._config.ipv4:  # routers pad to 60 bytes, not to 64
            ends = ends | (self._match.o_type & frame.p.keep[HEADER_BYTES % width_bytes - 1])
        whole_header = (index > header_ends) | ((index == header_ends) & ends)
        m.d.sync += [error.eq(frame.p.error), runt.eq(~whole_header)]
        if self._judged_early:
            m.d.sync += truncated.eq(last_octet < needed)
        else:
            ended_at = Signal(LENGTH_BITS)
            m.d.sync += ended_at.eq(last_octet)
            m.d.comb += truncated.eq(ended_at < needed)
        return {
            "bad_fcs": error,
            "runt": runt,
            "truncated": truncated,
            "empty_payload": parsed.payload & no_payload,
        }

    def _verdict(self, m, found):
        causes = Cat(found[cause] for cause in DROP_CAUSES)
        at_end = ("bad_fcs", "runt", "truncated")
        sound = Signal()  # the header; counts only if it is there, so if the frame is no runt
        header = ~Cat(found[cause] for cause in DROP_CAUSES if cause not in at_end).any()
        if self._judged_early:
            m.d.sync += sound.eq(header)
        else:
            m.d.comb += sound.eq(header)
        whole = ~Cat(found[cause] for cause in at_end).any()
        m.d.comb += self.o_parsed.valid.eq(self.frame_ended & sound & whole)
        for n, cause in enumerate(DROP_CAUSES):
            first = causes[n] & ~causes[:n].any()
            m.d.sync += getattr(self, f"stat_rx_{cause}").eq(self.frame_ended & first)
