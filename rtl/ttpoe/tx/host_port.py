"""`HostPort`: what one VC's packet and its event are doing.

Source: sections 5.2 (physical backpressure) and 7 (host side) of the protocol.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import HostResult, event_signature, host_event_layout, host_result_layout

__all__ = ["HostPort"]


class EventState(enum.Enum, shape=2):
    """What becomes of the one outstanding event of a VC."""

    IDLE = 0
    RAISED = 1  # offered to Q0
    WAITING = 2  # in the pipeline
    BLOCKED = 3  # to be raised again when a slot or a tag was freed


class HostPort(wiring.Component):
    """One VC's side of `SlotWriter`: what its packet and its event are doing; no bytes.

    Members, besides those of `SlotWriter`
    --------------------------------------
    i_valid, i_last, i_no_bytes, i_node
        The beat that the host offers; `i_no_bytes` is last with keep 0.
    i_ready : In(1)
        The beat, if one is offered, is taken in this clock. Only if there was `o_request` in the
        clock before, or `o_goes_on` then and in every clock since `i_ready` was set for it.
    i_slot_valid, i_slot
        The slot that `SlotLists` offers; `i_slot_valid` only if nobody takes it in this clock.
    o_request : Out(1)
        A beat can be taken in the next clock, and waits or may be expected then.
    o_goes_on : Out(1)
        In the middle of a packet, behind this clock's beat: whatever comes next can be taken.
    o_needs_slot : Out(1)
        The port's next beat may take the slot that is offered.
    o_taken : Out(1)
        A beat is taken; the outputs that follow count.
    o_take_slot : Out(1)
        The slot offered becomes this port's.
    o_slot, o_beat, o_write
        Where the beat goes; `o_write`: it is to be written.
    o_oversize, o_empty : Out(1)
        This beat makes the packet too long, or is all of an empty packet.
    """

    def __init__(self, config, vc):
        self._config = config
        self._vc = vc
        super().__init__(
            {
                "i_valid": In(1),
                "i_last": In(1),
                "i_no_bytes": In(1),
                "i_node": In(24),
                "i_ready": In(1),
                "i_slot_valid": In(1),
                "i_slot": In(config.slot_bits),
                "o_request": Out(1),
                "o_goes_on": Out(1),
                "o_needs_slot": Out(1),
                "o_taken": Out(1),
                "o_take_slot": Out(1),
                "o_slot": Out(config.slot_bits),
                "o_beat": Out(config.beat_bits + 1),
                "o_write": Out(1),
                "o_oversize": Out(1),
                "o_empty": Out(1),
                "o_event": Out(stream.Signature(host_event_layout(config))),
                "i_result": In(event_signature(host_result_layout)),
                "i_retry": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        slot = Signal(config.slot_bits)
        holds_slot = Signal()
        node = Signal(24)
        complete = Signal()  # the packet in `slot` waits for the event register
        beat = Signal(config.beat_bits + 1)
        full = beat[-1]  # beat == slot_beats
        begun = Signal()  # not the packet's first beat
        swallowing = Signal()  # the rest of a packet that is too long
        discard = Signal()
        finished = Signal()
        event_free = Signal()

        m.d.comb += [
            self.o_oversize.eq(full & ~self.i_no_bytes & ~swallowing),
            self.o_empty.eq(~begun & self.i_no_bytes),
            discard.eq(swallowing | self.o_oversize | self.o_empty),
            self.o_take_slot.eq(~holds_slot & ~discard),
            self.o_needs_slot.eq(~holds_slot & ~swallowing),
            self.o_taken.eq(self.i_valid & self.i_ready),
            # What is behind a packet's last beat is looked at a clock later: until then it is not
            # known what it needs, nor whether the port may go on.
            self.o_request.eq(
                self.i_valid
                & Mux(
                    self.i_ready,
                    ~self.i_last,
                    ~complete & (~self.o_needs_slot | self.o_empty | self.i_slot_valid),
                )
            ),
            self.o_goes_on.eq(Mux(self.o_taken, ~self.i_last, begun)),
            self.o_slot.eq(Mux(holds_slot, slot, self.i_slot)),
            self.o_beat.eq(beat),
            # The beat of a full slot can only be an empty last one: nothing to write.
            self.o_write.eq(~discard & ~full),
            finished.eq(self.o_taken & self.i_last & ~discard),
        ]
        with m.If(self.o_taken):
            m.d.sync += [node.eq(self.i_node), begun.eq(~self.i_last)]
            with m.If(self.i_last):
                m.d.sync += [beat.eq(0), swallowing.eq(0)]
            with m.Elif(discard):
                m.d.sync += [beat.eq(0), swallowing.eq(1)]
            with m.Else():
                m.d.sync += beat.eq(beat + 1)
            with m.If(self.o_take_slot):
                m.d.sync += [slot.eq(self.i_slot), holds_slot.eq(1)]

        with m.If(event_free & (complete | finished)):
            m.d.sync += [
                self.o_event.payload.slot.eq(self.o_slot),
                self.o_event.payload.node.eq(Mux(complete, node, self.i_node)),
                holds_slot.eq(0),
                complete.eq(0),
            ]
        with m.Elif(finished):
            m.d.sync += complete.eq(1)
        self._event(m, event_free, complete | finished)
        return m

    def _event(self, m, event_free, next_event):
        """The life of the one outstanding event."""
        state = Signal(EventState)
        retry_seen = Signal()  # since Q0 took the event
        result = self.i_result.payload
        answered = Signal()
        m.d.comb += [
            answered.eq(
                (state == EventState.WAITING) & self.i_result.valid & (result.vc == self._vc)
            ),
            event_free.eq(
                (state == EventState.IDLE) | (answered & (result.result != HostResult.BLOCKED))
            ),
            self.o_event.valid.eq(state == EventState.RAISED),
        ]
        m.d.sync += retry_seen.eq(retry_seen | self.i_retry)
        with m.If(event_free):
            m.d.sync += state.eq(Mux(next_event, EventState.RAISED, EventState.IDLE))
        with m.Elif((state == EventState.RAISED) & self.o_event.ready):
            m.d.sync += [state.eq(EventState.WAITING), retry_seen.eq(self.i_retry)]
        with m.Elif(answered | (state == EventState.BLOCKED)):
            m.d.sync += state.eq(
                Mux(retry_seen | self.i_retry, EventState.RAISED, EventState.BLOCKED)
            )
