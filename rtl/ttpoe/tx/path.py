"""`TxPath`: from the descriptors of Q3 to the frames on the wire.

Source: sections 1 and 5 of the protocol; the order of frames is ours.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (
    beat_layout,
    control_frame_layout,
    event_signature,
    payload_frame_layout,
    reading_layout,
    slot_free_layout,
)
from ..memory.protected import ERRORS, errors_of, protected_fifo, report
from ..replay.memory import length_port, word_port
from .builder import FrameBuilder
from .control_queue import ControlQueue
from .datagram import ADDRESSING, Addressing, HeaderSum
from .payload_queue import PayloadQueue
from .slot_reader import SlotReader

__all__ = ["TxPath", "STATS", "CONTROL_IN_A_ROW"]

STATS = {
    "stat_tx_control": "the last beat of a control frame was taken by the MAC",
    "stat_tx_payload": "the last beat of a PAYLOAD frame was taken by the MAC",
}

_REPORTS = 4
"""Reports that may wait, those of frames that are being sent included: a power of two."""

CONTROL_IN_A_ROW = 4
"""Control frames that may start one after the other while a PAYLOAD is ready to start."""


class TxPath(wiring.Component):
    """Queues descriptors, chooses between them and sends the frames.

    Order: control frames in order among themselves, PAYLOADs likewise. A control frame (an
    answer) goes before a PAYLOAD; but when `CONTROL_IN_A_ROW` control frames have started while
    a PAYLOAD was ready, that PAYLOAD goes next. So the oldest PAYLOAD starts after at most 4
    control frames, and a control frame waits for at most one PAYLOAD longer than for those
    before it.

    Members
    -------
    i_control : stream of `control_frame_layout`
        `ready` is low only while `control_depth` frames wait.
    i_payload : stream of `payload_frame_layout`
        `ready` is low only while `payload_depth` frames wait.
    i_free : event `slot_free_layout`
        In clock t, kills every PAYLOAD that waits and comes in up to t: no frame for it has its
        first beat in t + 2 or later. A frame whose first beat is on `o_frame` in t + 1 or was
        before is sent whole, with its own bytes: `o_reading` keeps its slot from being given to
        the host meanwhile.
    i_passed : event slot_bits
        The same for that slot, of an acknowledged PAYLOAD. Never with a PAYLOAD that has it.
    i_withdraw : event lid_bits
        The same for every PAYLOAD of that link that came in before t.
    i_code : In(8)
        See `FrameBuilder`.
    cfg_node : In(24)
        This node.
    cfg_ipv4_* : In
        See `FrameBuilder`. They and `cfg_node` are stable from three clocks before the first frame
        comes in, and while one waits: the checksum, and who is behind the router, are made then.
    o_frame : stream of `beat_layout`
        To the MAC; `error` is 0.
    o_reading, word, length
        The guard for `SlotLists`, and the read ports of `ReplayMemory`; see `SlotReader`.
    o_sent : stream of lid_bits
        A control frame with `report` is on the wire: its last beat was taken, in the clock
        before if no other report waits. While four frames with `report` were started whose
        reports are not taken, no control frame is started; PAYLOADs go on.
    o_control_left, o_payload_left : Out(1)
        One-clock pulse per entry that has left its queue, a clock before: one credit.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_* : Out(1)
        One-clock pulses, see `STATS`; one clock after the beat.

    Timing
    ------
    Idle: `i_control.valid` in clock t, first beat on `o_frame` in t + 2. `i_payload.valid` in t,
    first beat in t + 2 at 64 bits, t + 3 at 128, t + 4 at 256 and 512: the words are read
    while the header goes out. With `Config.ipv4` it is the same: the checksum is made while the
    frame gets through its queue. No bubble inside a frame, nor between frames; but behind the first
    PAYLOAD after a pause, if that has less than 4 beats at 512 bits or 5 at 256, the next PAYLOAD
    starts 4 or 5 clocks behind it; and so it is behind one that was killed.

    Reset: queues empty, nothing being sent.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_control": In(stream.Signature(control_frame_layout(config))),
                "i_payload": In(stream.Signature(payload_frame_layout(config))),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_passed": In(event_signature(config.slot_bits)),
                "i_withdraw": In(event_signature(config.lid_bits)),
                "i_code": In(8),
                "cfg_node": In(24),
                "o_frame": Out(stream.Signature(beat_layout(config))),
                "o_reading": Out(reading_layout(config)),
                "word": Out(word_port(config)),
                "length": Out(length_port(config)),
                "o_sent": Out(stream.Signature(config.lid_bits)),
                "o_control_left": Out(1),
                "o_payload_left": Out(1),
                "o_errors": Out(ERRORS),
            }
            | {name: Out(1) for name in STATS}
            | ({name: In(bits) for name, bits in ADDRESSING.items()} if config.ipv4 else {})
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.queue = queue = PayloadQueue(config)
        m.submodules.reader = reader = SlotReader(config)
        m.submodules.builder = builder = FrameBuilder(config)
        m.submodules.control_queue = control_queue = ControlQueue(config)
        m.submodules.reports = reports = protected_fifo(
            config.protect, fifo.SyncFIFO, width=config.lid_bits, depth=_REPORTS
        )
        report(
            m,
            config.protect,
            self.o_errors,
            queue.o_errors,
            reader.o_errors,
            control_queue.o_errors,
            errors_of(reports),
        )
        wiring.connect(m, wiring.flipped(self.i_control), control_queue.i)
        wiring.connect(m, wiring.flipped(self.i_payload), queue.i)
        wiring.connect(m, wiring.flipped(self.i_free), queue.i_free)
        wiring.connect(m, wiring.flipped(self.i_passed), queue.i_passed)
        wiring.connect(m, wiring.flipped(self.i_withdraw), queue.i_withdraw)
        wiring.connect(m, queue.o_slot, reader.i)
        wiring.connect(m, reader.o, builder.i_word)
        wiring.connect(m, reader.word, wiring.flipped(self.word))
        wiring.connect(m, queue.length, wiring.flipped(self.length))
        wiring.connect(m, builder.o_frame, wiring.flipped(self.o_frame))
        m.d.comb += [
            reader.i_known.eq(queue.o_known),
            reader.i_words.eq(queue.o_words),
            reader.i_used.eq(builder.o_word_used),
            reader.i_flush.eq(queue.i_drop),
            queue.i_unsure.eq(reader.o_unsure),
            queue.i_drop.eq(builder.o_idle & queue.o_waits & queue.o_dead),
            queue.o.ready.eq(builder.i_payload.ready),
            builder.i_payload.payload.eq(queue.o.payload),
            builder.i_payload.valid.eq(queue.o.valid & ~queue.o_dead),
            builder.i_length.eq(queue.o_length),
            builder.cfg_node.eq(self.cfg_node),
            builder.i_code.eq(self.i_code),
            self.o_payload_left.eq(queue.o_left),
        ]
        if config.ipv4:
            self._datagram(m, queue, control_queue, builder)
        # A header of four beats and more goes out while the first words are on their way.
        if config.header_beats < 4:
            first_there = reader.o.valid & reader.o.payload.first
            m.d.comb += builder.i_payload.valid.eq(queue.o.valid & ~queue.o_dead & first_there)
        self._guard(m, queue, builder)
        self._choose(m, control_queue, builder)
        self._report(m, control_queue, reports)
        return m

    def _datagram(self, m, queue, control_queue, builder):
        """The IPv4 form: what a frame needs of its address is made while it is queued."""
        addressing, header_sum = Addressing(self, self._config.oui), HeaderSum(m, self)
        control, payload = self.i_control.payload.node, self.i_payload.payload.node
        m.d.comb += [
            *(getattr(builder, name).eq(getattr(self, name)) for name in ADDRESSING),
            control_queue.i_checksum.eq(~header_sum.of(control, empty=True)),
            control_queue.i_far.eq(addressing.is_far(control)),
            builder.i_control_checksum.eq(control_queue.o_checksum),
            builder.i_control_far.eq(control_queue.o_far),
            queue.i_sum.eq(header_sum.of(payload, empty=False)),
            queue.i_far.eq(addressing.is_far(payload)),
            builder.i_checksum.eq(queue.o_checksum),
            builder.i_payload_far.eq(queue.o_far),
        ]

    def _guard(self, m, queue, builder):
        """Names the slot of the frame that is being sent until all its words are taken."""
        with m.If(builder.o_payload_started):
            m.d.sync += self.o_reading.slot.eq(queue.o.payload.slot)
        # A register, and so a clock longer than needed: it is the start of a long path.
        m.d.sync += self.o_reading.valid.eq(
            builder.o_payload_started | (self.o_reading.valid & ~builder.o_idle)
        )

    def _choose(self, m, control_queue, builder):
        """Holds control frames back when a PAYLOAD's turn has come, or reports are untaken.

        Both reasons arise only in the clock after a control frame started, so that a frame that
        was offered to the builder stays offered.
        """
        control = builder.i_control
        row = Signal(range(CONTROL_IN_A_ROW + 1))
        is_payload = Signal()  # the frame that is being sent
        self._started, self._ended = started, ended = Signal(), Signal()
        self._held = Signal(range(_REPORTS + 1))  # frames with `report` started, and not taken
        m.d.comb += [
            control.payload.eq(control_queue.o.payload),
            control.valid.eq(control_queue.o.valid & (row != CONTROL_IN_A_ROW) & ~self._held[-1]),
            started.eq(control.ready),
            control_queue.o.ready.eq(started),
            ended.eq(self.o_frame.valid & self.o_frame.ready & self.o_frame.payload.last),
        ]
        m.d.sync += [
            self.o_control_left.eq(started),
            self.stat_tx_control.eq(ended & ~is_payload),
            self.stat_tx_payload.eq(ended & is_payload),
        ]

        payload_ready = builder.i_payload.valid
        with m.If(~payload_ready & (row == CONTROL_IN_A_ROW)):
            m.d.sync += row.eq(0)  # the PAYLOAD whose turn it is was killed
        with m.If(started):
            m.d.sync += [row.eq(Mux(payload_ready, row + 1, 0)), is_payload.eq(0)]
        with m.If(builder.o_payload_started):
            m.d.sync += [row.eq(0), is_payload.eq(1)]

    def _report(self, m, control_queue, reports):
        """A report is raised when the frame has ended."""
        reporting = Signal()  # the frame that is being sent has `report`
        sent_lid = Signal(self._config.lid_bits)
        m.d.comb += [
            reports.w_data.eq(sent_lid),
            reports.w_en.eq(self._ended & reporting),
            self.o_sent.payload.eq(reports.r_data),
            self.o_sent.valid.eq(reports.r_rdy),
            reports.r_en.eq(self.o_sent.ready),
        ]
        begins = self._started & control_queue.o.payload.report
        taken = self.o_sent.valid & self.o_sent.ready
        m.d.sync += self._held.eq(self._held + begins - taken)
        # A frame starts at the earliest in the clock in which the one before it ends.
        with m.If(self._started):
            m.d.sync += [
                reporting.eq(control_queue.o.payload.report),
                sent_lid.eq(control_queue.o.payload.lid),
            ]
        with m.Elif(self._ended):
            m.d.sync += reporting.eq(0)
