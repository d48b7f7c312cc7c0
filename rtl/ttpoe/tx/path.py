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
from .payload_queue import PayloadQueue
from .slot_reader import SlotReader

__all__ = ["TxPath", "STATS", "CONTROL_IN_A_ROW"]

STATS = {
    "stat_tx_control": "the last beat of a control frame was taken by the MAC",
    "stat_tx_payload": "the last beat of a PAYLOAD frame was taken by the MAC",
}

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
    i_withdraw : event lid_bits
        The same for every PAYLOAD of that link that came in before t.
    cfg_node : In(24)
        This node.
    o_frame : stream of `beat_layout`
        To the MAC; `error` is 0.
    o_reading, word, length
        The guard for `SlotLists`, and the read ports of `ReplayMemory`; see `SlotReader`.
    o_sent : stream of lid_bits
        A control frame with `report` is on the wire: its last beat was taken, in the clock
        before. While one is not taken, no further frame with `report` is started; PAYLOADs go
        on, control frames behind it wait.
    o_control_left, o_payload_left : Out(1)
        One-clock pulse per entry that has left its queue, a clock before: one credit.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_* : Out(1)
        One-clock pulses, see `STATS`; one clock after the beat.

    Timing
    ------
    Idle: `i_control.valid` in clock t, first beat on `o_frame` in t + 2; `i_payload.valid` in t,
    first beat in t + 3; at every width. No bubble inside a frame. No bubble between frames,
    except one clock behind a PAYLOAD that is a single beat (512 bits, at most 4 bytes) if
    another PAYLOAD follows.

    Reset: queues empty, nothing being sent.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_control": In(stream.Signature(control_frame_layout(config))),
                "i_payload": In(stream.Signature(payload_frame_layout(config))),
                "i_free": In(event_signature(slot_free_layout(config))),
                "i_withdraw": In(event_signature(config.lid_bits)),
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
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.queue = queue = PayloadQueue(config)
        m.submodules.reader = reader = SlotReader(config)
        m.submodules.builder = builder = FrameBuilder(config)
        m.submodules.control_queue = control_queue = protected_fifo(
            config.protect,
            fifo.SyncFIFO,
            width=control_frame_layout(config).size,
            depth=config.control_depth,
        )
        report(m, config.protect, self.o_errors, queue.o_errors, errors_of(control_queue))

        wiring.connect(m, wiring.flipped(self.i_payload), queue.i)
        wiring.connect(m, wiring.flipped(self.i_free), queue.i_free)
        wiring.connect(m, wiring.flipped(self.i_withdraw), queue.i_withdraw)
        wiring.connect(m, queue.o, reader.i)
        wiring.connect(m, reader.o, builder.i_word)
        wiring.connect(m, reader.word, wiring.flipped(self.word))
        wiring.connect(m, reader.length, wiring.flipped(self.length))
        wiring.connect(m, builder.o_frame, wiring.flipped(self.o_frame))
        m.d.comb += [
            reader.i_dead.eq(queue.o_dead),
            reader.i_free.valid.eq(self.i_free.valid),
            reader.i_free.payload.eq(self.i_free.payload),
            reader.i_withdraw.valid.eq(self.i_withdraw.valid),
            reader.i_withdraw.payload.eq(self.i_withdraw.payload),
            builder.i_word_dead.eq(reader.o_dead),
            reader.i_drop.eq(builder.o_word_drop),
            self.o_reading.eq(reader.o_reading),
            self.o_payload_left.eq(queue.o_left),
            builder.cfg_node.eq(self.cfg_node),
            control_queue.w_en.eq(self.i_control.valid),
            control_queue.w_data.eq(self.i_control.payload),
            self.i_control.ready.eq(control_queue.w_rdy),
        ]
        self._choose(m, control_queue, builder)
        return m

    def _choose(self, m, control_queue, builder):
        """Holds control frames back when a PAYLOAD's turn has come, or a report is untaken.

        Both reasons arise only in the clock after a control frame started, so that a frame that
        was offered to the builder stays offered.
        """
        control = builder.i_control
        row = Signal(range(CONTROL_IN_A_ROW + 1))
        reporting = Signal()  # a frame with `report` is being sent
        sent_lid = Signal(self._config.lid_bits)
        is_payload = Signal()  # the frame that is being sent
        started = Signal()
        ended = Signal()
        m.d.comb += [
            control.payload.eq(control_queue.r_data),
            control.valid.eq(
                control_queue.r_rdy
                & (row != CONTROL_IN_A_ROW)
                & ~(control.payload.report & (reporting | self.o_sent.valid))
            ),
            started.eq(control.valid & control.ready),
            control_queue.r_en.eq(started),
            ended.eq(self.o_frame.valid & self.o_frame.ready & self.o_frame.payload.last),
            self.o_sent.payload.eq(sent_lid),
        ]
        m.d.sync += [
            self.o_control_left.eq(started),
            self.stat_tx_control.eq(ended & ~is_payload),
            self.stat_tx_payload.eq(ended & is_payload),
        ]

        payload_ready = builder.i_word.valid & builder.i_word.payload.first & ~builder.i_word_dead
        with m.If(~payload_ready & (row == CONTROL_IN_A_ROW)):
            m.d.sync += row.eq(0)  # the PAYLOAD whose turn it is was killed
        with m.If(started):
            m.d.sync += [row.eq(Mux(payload_ready, row + 1, 0)), is_payload.eq(0)]
        with m.If(builder.o_payload_started):
            m.d.sync += [row.eq(0), is_payload.eq(1)]

        # A frame starts at the earliest in the clock in which the one before it ends.
        with m.If(self.o_sent.ready):
            m.d.sync += self.o_sent.valid.eq(0)
        with m.If(ended & reporting):
            m.d.sync += [self.o_sent.valid.eq(1), reporting.eq(0)]
        with m.If(started & control.payload.report):
            m.d.sync += [reporting.eq(1), sent_lid.eq(control.payload.lid)]
