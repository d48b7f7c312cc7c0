"""`FrameBuilder`: descriptors and payload words become frames.

Source: section 1 of the protocol (frame), 1.1 (EtherType), 1.2 (which IDs a frame carries).
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import (
    NOT_IN_PAYLOAD,
    WIRE_FIELDS,
    beat_layout,
    control_frame_layout,
    form_layout,
    header_fields,
    header_layout,
    payload_frame_layout,
)
from ..protocol import (
    EXT_CONGESTION,
    EXT_SELECTIVE,
    FIELDS,
    HEADER_BYTES,
    MIN_FRAME_BYTES,
    TOTAL_OVER_TSH,
    TSH_BYTES,
    TTH_BYTE0,
    EtherType,
    Opcode,
)
from ..stream.carry import Carry
from .datagram import ADDRESSING, Addressing, in_ipv4_form
from .payload_queue import length_beat
from .slot_reader import word_layout

__all__ = ["FrameBuilder"]

_DATAGRAM = {"i_control_checksum": 16, "i_control_far": 1, "i_payload_far": 1, "i_checksum": 16}


def frame_fields(config):
    """What a frame says."""
    return data.StructLayout(
        {
            **header_layout(),
            "is_payload": 1,
            "noc_bytes": 11,
            **form_layout(config),
            **({"checksum": 16, "far": 1} if config.ipv4 else {}),
        }
    )


def header_bits(fields, cfg_node, oui):
    """The 60 header bytes, first byte in the lowest bits; every field is big-endian."""
    values = {
        "dst_oui": Const(oui, 24),
        "dst_node": fields.node,
        "src_oui": Const(oui, 24),
        "src_node": cfg_node,
        "ethertype": Mux(fields.ieee, EtherType.IEEE.value, EtherType.ARTICLE.value),
        "tth_byte0": Const(TTH_BYTE0, 8),
        "total_length": fields.noc_bytes + (TSH_BYTES + TOTAL_OVER_TSH),
        "tsh_src": cfg_node,
        "tsh_dst": fields.node,
        "tsh_length": fields.noc_bytes + TSH_BYTES,
        "extension": Mux(fields.selective, EXT_SELECTIVE, 0)
        | Mux(fields.controlled, EXT_CONGESTION, 0),
        **{name: Value.cast(fields[name]) for name in WIRE_FIELDS},
    }
    octets: list[Value] = [Const(0, 8)] * HEADER_BYTES
    for name, value in values.items():
        offset, length = FIELDS[name]
        wide = Cat(value, Const(0, 8 * length))[: 8 * length]
        octets[offset : offset + length] = [
            wide.word_select(length - 1 - n, 8) for n in range(length)
        ]
    return Cat(octets)


class FrameBuilder(wiring.Component):
    """Builds control frames (64 bytes) and PAYLOAD frames (60 bytes + payload, at least 64).

    Members
    -------
    i_control : stream of `control_frame_layout`
        Taken when its frame starts; goes before a PAYLOAD.
    i_payload : stream of `payload_frame_layout`
        A PAYLOAD, taken when its frame starts.
    i_length : In(11)
        Its bytes, 1 to 1024, `length_beat` clocks after that.
    i_control_checksum, i_checksum : In(16), i_control_far, i_payload_far : In(1)
        With `Config.ipv4`: the IPv4 header's checksum of the frame on `i_control`, and of the
        PAYLOAD, with its `i_length`; whether the frame on `i_control`, or `i_payload`, goes to the
        router. They count for frames of that form.
    i_word : stream of `word_layout`
        The words of the PAYLOADs taken. They must be there when they are needed, for a MAC cannot
        wait inside a frame: the first one in the header's last beat, one for each beat behind
        it. Words that no frame needs, up to the next `first`, are taken and not sent.
    o_word_used : Out(1)
        The word on `i_word`, if it is taken, is one of the frame's.
    o_idle : Out(1)
        Nothing but the beat on `o_frame` is left of a frame.
    i_code : In(8)
        What byte 48 of a frame says that announces how many links are backlogged here.
    cfg_node : In(24)
        This node; stable while frames are sent.
    cfg_ipv4_prefix, cfg_ipv4_mask, cfg_ipv4_router_upper, cfg_ipv4_router_lower : In
        With `Config.ipv4`: see `engine.Engine`; stable, too.
    o_frame : stream of `beat_layout`
        `error` is always 0. Bytes behind the payload's last are zero up to 64; lanes without
        `keep` are undefined.
    o_payload_started : Out(1)
        The frame that is started in this clock is a PAYLOAD.

    Timing
    ------
    `i_control.valid`, or `i_payload.valid`, in clock t: first beat on `o_frame` in t + 1. One beat
    per clock, no bubble inside a frame, and none between frames if the next one is there. The
    `ready` of all depend on `o_frame.ready`.

    Reset: no frame; one that was being sent is cut off without a last beat.
    """

    def __init__(self, config):
        self._config = config
        datagram = ADDRESSING | _DATAGRAM if config.ipv4 else {}
        super().__init__(
            {
                "i_control": In(stream.Signature(control_frame_layout(config))),
                "i_payload": In(stream.Signature(payload_frame_layout(config))),
                "i_length": In(11),
                "i_word": In(stream.Signature(word_layout(config))),
                "o_word_used": Out(1),
                "o_idle": Out(1),
                "i_code": In(8),
                "cfg_node": In(24),
                "o_frame": Out(stream.Signature(beat_layout(config))),
                "o_payload_started": Out(1),
                **{name: In(bits) for name, bits in datagram.items()},
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        width, head_beats = config.width_bytes, config.header_beats
        over = MIN_FRAME_BYTES - HEADER_BYTES  # payload bytes in the last header beat
        word = self.i_word.payload

        # What the frame says: known at its start, but for the length, and kept for later beats.
        start = Signal()
        now, kept, measured = (
            Signal(frame_fields(config), name=name) for name in ("now", "kept", "measured")
        )
        self._fields_at_start(m, now)
        length_at = length_beat(config)
        length_comes = start
        for n in range(length_at):
            before = length_comes
            length_comes = Signal(name=f"length_comes{n}")
            m.d.sync += length_comes.eq(before)
        m.d.comb += [
            self.i_control.ready.eq(start & self.i_control.valid),
            self.i_payload.ready.eq(start & ~self.i_control.valid),
            self.o_payload_started.eq(self.i_payload.ready),
            measured.eq(kept if length_at else now),
        ]
        with m.If(length_comes):
            m.d.comb += measured.noc_bytes.eq(self.i_length & measured.is_payload.replicate(11))
            m.d.sync += kept.noc_bytes.eq(measured.noc_bytes)
        if config.ipv4:
            self._take_checksum(m, measured, kept, length_comes)
        with m.If(start):
            m.d.sync += kept.eq(now if length_at else measured)

        first_octets = Signal(8 * over)
        fields = measured if head_beats == 1 else kept
        m.d.comb += first_octets.eq(
            Cat(
                word.data.word_select(n, 8) & (fields.noc_bytes > n).replicate(8)
                for n in range(over)
            )
        )

        addressing = Addressing(self, config.oui) if config.ipv4 else None

        def header_beat(number):
            said = measured if number == length_at else kept if number else now
            header = header_bits(said, self.cfg_node, config.oui)
            if config.ipv4:
                header = Mux(said.ipv4, in_ipv4_form(header, said, addressing), header)
            octets = Cat(header, first_octets)
            return octets[8 * width * number : 8 * width * (number + 1)]

        head = [header_beat(number) for number in range(head_beats)]

        # Behind the header beats comes payload alone, rotated: `tail_beats` beats.
        tail_beats = Signal(config.beat_bits + 1)
        last_lane = Signal(range(width))
        m.submodules.carry = carry = Carry(width, width - over)
        m.d.comb += [
            tail_beats.eq((fields.noc_bytes + (width - over - 1)) >> ceil_log2(width)),
            last_lane.eq(kept.noc_bytes + (width - over - 1)),
            carry.beat.eq(word.data),
            carry.advance.eq(self.i_word.valid & self.i_word.ready),
        ]
        self._beats(m, start, fields.is_payload, head, tail_beats, last_lane, carry.joined)
        self._count_words(m, fields.noc_bytes)
        return m

    def _take_checksum(self, m, measured, kept, length_comes):
        """A PAYLOAD's checksum comes with its length."""
        comes = length_comes
        if length_beat(self._config) == 0:
            # With the start, which is late: nothing else looks at a length in other clocks.
            comes = Const(1)
            m.d.comb += measured.noc_bytes.eq(self.i_length & measured.is_payload.replicate(11))
        with m.If(comes & measured.is_payload):
            m.d.comb += measured.checksum.eq(self.i_checksum)
        with m.If(length_comes):
            m.d.sync += kept.checksum.eq(measured.checksum)

    def _count_words(self, m, noc_bytes):
        """How many words of the PAYLOAD are still to come."""
        word, left = self.i_word, Signal(self._config.beat_bits)
        m.d.comb += self.o_word_used.eq(word.payload.first | (left != 0))
        with m.If(word.valid & word.ready & word.payload.first):
            m.d.sync += left.eq((noc_bytes - 1) >> ceil_log2(self._config.width_bytes))
        with m.Elif(word.valid & word.ready & (left != 0)):
            m.d.sync += left.eq(left - 1)

    def _fields_at_start(self, m, now):
        """Control frames go first; what a PAYLOAD has no field for is zero."""
        control, payload = self.i_control.payload, self.i_payload.payload
        with m.If(self.i_control.valid):
            m.d.comb += [
                getattr(now, name).eq(getattr(control, name))
                for name in header_fields(self._config)
            ]
            m.d.comb += now.congestion.eq(self.i_code & control.announces.replicate(8))
            if self._config.ipv4:
                m.d.comb += [
                    now.checksum.eq(self.i_control_checksum),
                    now.far.eq(self.i_control_far),
                ]
        with m.Else():
            m.d.comb += [
                getattr(now, name).eq(getattr(payload, name))
                for name in header_fields(self._config)
                if name not in NOT_IN_PAYLOAD
            ]
            m.d.comb += [
                now.opcode.eq(Opcode.PAYLOAD),
                now.is_payload.eq(1),
                now.congestion.eq(payload.more),
            ]
            if self._config.ipv4:
                m.d.comb += now.far.eq(self.i_payload_far)

    def _beats(self, m, start, is_payload, head, tail_beats, last_lane, joined):
        """Which beat comes next: those of `head`, then `tail_beats` times `joined`."""
        frame, beat, word = self.o_frame, self.o_frame.payload, self.i_word
        width = self._config.width_bytes
        move = Signal()  # the output register is free
        number = Signal(range(len(head) + 1))  # beat of the header; len(head): the tail
        tail_left = Signal.like(tail_beats)
        offered = self.i_control.valid | self.i_payload.valid
        m.d.comb += [
            move.eq(~frame.valid | frame.ready),
            self.o_idle.eq(number == 0),
            start.eq(move & self.o_idle & offered),
            # Words behind a payload's end; the next one's first word waits for its frame.
            word.ready.eq(~word.payload.first),
        ]
        with m.If(move):
            m.d.sync += [frame.valid.eq((number != 0) | offered), beat.keep.eq(-1), beat.last.eq(0)]
            with m.Switch(number):
                for n, octets in enumerate(head):
                    with m.Case(n):
                        m.d.sync += beat.data.eq(octets)
                        if n < len(head) - 1:
                            m.d.sync += number.eq(n + start if n == 0 else n + 1)
                            continue
                        # A header of one beat has no other clock for words behind a payload's end:
                        # control frames one behind the other would keep them, and PAYLOADs.
                        takes = is_payload | ~word.payload.first if len(head) == 1 else is_payload
                        with m.If(start if n == 0 else 1):
                            m.d.comb += word.ready.eq(takes)
                            m.d.sync += [
                                number.eq(Mux(tail_beats == 0, 0, len(head))),
                                beat.last.eq(tail_beats == 0),
                                tail_left.eq(tail_beats),
                            ]
                with m.Default():
                    m.d.sync += [beat.data.eq(joined), tail_left.eq(tail_left - 1)]
                    with m.If(tail_left == 1):
                        m.d.sync += [
                            number.eq(0),
                            beat.last.eq(1),
                            beat.keep.eq(Cat(last_lane >= lane for lane in range(width))),
                        ]
        with m.Elif(number == len(head)):
            m.d.comb += word.ready.eq(0)
