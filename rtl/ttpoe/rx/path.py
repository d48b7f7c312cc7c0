"""The receive path: from the MAC's beats to header events and to the hosts.

Source: design rules 1, 2 and 4; sections 1, 7 and 8; decision F1.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (
    beat_layout,
    event_signature,
    header_fields,
    host_rx_layout,
    rx_event_layout,
    rx_verdict_layout,
)
from ..memory.protected import ERRORS, report
from .deliver import Deliver
from .memory import RxMemory
from .parser import DROP_CAUSES, FrameParser
from .pool import SlotPool
from .queue import EventQueue

__all__ = ["RxPath", "STATS"]

STATS = {
    "stat_rx_good": "the frame is good; its header event was raised",
    **{f"stat_rx_{cause}": f"frame dropped: {meaning}" for cause, meaning in DROP_CAUSES.items()},
    "stat_rx_queue_full": "frame dropped: it is good, but the event queue is full",
    "stat_rx_no_room": "good PAYLOAD without a receive slot: its event says so (also counts good)",
    "stat_rx_delivered": "a PAYLOAD was read whole from the receive memory for the host",
}
"""Every counter of the receive path: name of the one-clock pulse and what it means.

Each frame gives exactly one pulse among good, the drop causes and queue_full.
"""


class RxPath(wiring.Component):
    """Bytes and events part here: payloads go to the receive memory, headers to the pipeline.

    A payload is written to a free slot while it arrives, before anything is known of the frame.
    Only a good PAYLOAD whose VC has room and whose event finds a place keeps the slot; every
    other frame leaves it to the next one.

    Members
    -------
    i_frame : In(event_signature(beat_layout))
        Frames from the MAC, without FCS; any length, a beat in every clock, never held back.
    cfg_node : In(24)
        Our node number.
    cfg_ipv4_prefix : In(8), stat_rx_marked : Out(1)
        With `Config.ipv4`; see `FrameParser`.
    o_event : Out(stream.Signature(rx_event_layout))
        One event per good frame, in order. Up to `event_depth` wait; beyond that frames are
        dropped whole and counted.
    i_verdict : In(event_signature(rx_verdict_layout))
        Exactly one per event that had `room`, with its slot and VC, in the clock in which the
        event is taken or later, however many events are in between; one per clock.
    i_kept : In(event of vc)
        A payload of `vc` that had `room` is kept: its verdict comes later, with `kept`.
    o_kept_freed : Out(2)
        How many kept slots became free in the clock before. From a register.
    o_host : Out(stream.Signature(host_rx_layout)), one for each VC
        The payloads of each VC, in the order of their verdicts.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_rx_* : Out(1)
        One-clock pulses, see `STATS`.

    Timing: last beat of a frame in clock 0, `o_event.valid` in clock 2, its `stat_rx_*` in clock
    2. Verdict in clock n, first host beat in clock n + 3. No jitter while nothing else waits.

    The time from event to verdict is the user's: nothing here counts on any. Each payload in
    between holds a slot, so a VC is sure of room while at most `rx_reserved` - 1 of its payloads
    have come and are not read yet. (At 64 bits one comes every 8 clocks at most.)

    Reset: all slots free, all queues empty, the next beat is the first of a frame.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_frame": In(event_signature(beat_layout(config))),
                "cfg_node": In(24),
                "o_event": Out(stream.Signature(rx_event_layout(config))),
                "i_verdict": In(event_signature(rx_verdict_layout(config))),
                "i_kept": In(event_signature(2)),
                "o_kept_freed": Out(2),
                "o_host": Out(stream.Signature(host_rx_layout(config))).array(config.VCS),
                "o_errors": Out(ERRORS),
                **{name: Out(1) for name in STATS},
                **({"cfg_ipv4_prefix": In(8), "stat_rx_marked": Out(1)} if config.ipv4 else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.parser = parser = FrameParser(self._config)
        m.submodules.pool = pool = SlotPool(self._config)
        m.submodules.memory = memory = RxMemory(self._config)
        m.submodules.events = events = EventQueue(self._config)
        m.submodules.deliver = deliver = Deliver(self._config)

        wiring.connect(m, wiring.flipped(self.i_frame), parser.i_frame)
        wiring.connect(m, wiring.flipped(self.i_verdict), deliver.i_verdict)
        wiring.connect(m, wiring.flipped(self.i_kept), pool.i_kept)
        wiring.connect(m, deliver.o_dropped, pool.i_dropped)
        wiring.connect(m, deliver.o_delivered, pool.i_delivered)
        wiring.connect(m, events.o, wiring.flipped(self.o_event))
        for vc in range(self._config.VCS):
            wiring.connect(m, deliver.o_host[vc], wiring.flipped(self.o_host[vc]))
        wiring.connect(m, deliver.beat, memory.beat)
        wiring.connect(m, deliver.count, memory.count)
        m.d.comb += [
            parser.cfg_node.eq(self.cfg_node),
            self.o_kept_freed.eq(pool.o_kept_freed),
            self.stat_rx_delivered.eq(deliver.stat_rx_delivered),
        ]
        report(
            m,
            self._config.protect,
            self.o_errors,
            pool.o_errors,
            memory.o_errors,
            events.o_errors,
            deliver.o_errors,
        )
        if self._config.ipv4:
            m.d.comb += [
                parser.cfg_ipv4_prefix.eq(self.cfg_ipv4_prefix),
                self.stat_rx_marked.eq(parser.stat_rx_marked),
            ]
        for cause in DROP_CAUSES:
            name = f"stat_rx_{cause}"
            m.d.comb += getattr(self, name).eq(getattr(parser, name))

        has_room = self._decide(m, parser, pool, events)
        self._store(m, parser, pool, memory)
        self._raise_event(m, parser.o_parsed, pool, events.i, has_room)
        return m

    def _decide(self, m, parser, pool, events):
        """Whether the PAYLOAD that ended keeps its slot."""
        parsed = parser.o_parsed
        missed = Signal()  # a beat of this frame came while no slot was there
        with m.If(parser.frame_ended):
            m.d.sync += missed.eq(0)
        with m.Elif(parser.o_write.valid & ~pool.slot_ready):
            m.d.sync += missed.eq(1)
        has_room = Signal()
        raised = Signal()
        m.d.comb += [
            has_room.eq(parsed.p.payload & pool.room & pool.slot_ready & ~missed),
            raised.eq(parsed.valid & events.i.ready),
            pool.vc.eq(parsed.p.vc),
            pool.take.eq(raised & has_room),
        ]
        m.d.sync += [
            self.stat_rx_good.eq(raised),
            self.stat_rx_queue_full.eq(parsed.valid & ~events.i.ready),
            self.stat_rx_no_room.eq(raised & parsed.p.payload & ~has_room),
        ]
        return has_room

    def _store(self, m, parser, pool, memory):
        write, parsed = parser.o_write, parser.o_parsed.p
        describe = memory.i_describe
        m.d.comb += [
            memory.i_write.valid.eq(write.valid & pool.slot_ready),
            memory.i_write.p.slot.eq(pool.slot),
            memory.i_write.p.beat.eq(write.p.beat),
            memory.i_write.p.data.eq(write.p.data),
            describe.valid.eq(pool.take),
            describe.p.slot.eq(pool.slot),
            describe.p.info.node.eq(parsed.node),
            describe.p.info.id.eq(parsed.tx_id),
            describe.p.info.last_lane.eq(parsed.last_lane),
            describe.p.count.last_beat.eq(parsed.last_beat),
            describe.p.count.short.eq(parsed.last_beat <= 1),
        ]

    def _raise_event(self, m, parsed, pool, event, has_room):
        m.d.comb += [
            event.valid.eq(parsed.valid),
            event.p.room.eq(has_room),
            event.p.slot.eq(pool.slot),
        ]
        for name in (*header_fields(self._config), "congestion"):
            m.d.comb += getattr(event.p, name).eq(getattr(parsed.p, name))
