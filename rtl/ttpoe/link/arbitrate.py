"""Q0: one event per clock, the most urgent first (protocol sections 1.3 and 5.1).

Nothing enters that cannot leave: an event is admitted only while the queues behind Q3 have room
for every frame that it and all events before it in the pipeline may cause (credits). An event that
must wait stays in its own queue; received events that find theirs full are dropped at the door.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (Command, command_layout, event_signature, host_event_layout,
                       rx_event_layout)
from ..protocol import VC_ORDER, Opcode
from ..stream.arbiter import UrgencyArbiter
from .fsm import Event
from .lookup import ask_layout, look_layout
from .records import pipeline_event_layout
from .replayer import Walk, replay_layout

__all__ = ["Arbitrate"]

_SILENT = (Event.SENT, Event.SEEK, Event.REPLAY, Event.WALKED, Event.PURGE, Event.RETIRE)
"""Events that send no control frame."""


class Arbitrate(wiring.Component):
    """Q0.

    Order of urgency: reports of sent OPEN_ACKs (the peer's first PAYLOAD may be right behind),
    received frames, look-ups for kept packets, selective replays, then by VC (1, 0, 2) links that
    are ready and payloads of the host, then slots to be freed, questions for gaps, victims,
    commands of the host and the link timer, which gives way to all others. While somebody waits
    three admissions in four go by that order, the fourth in turn, so that everyone who may enter
    does so within `4 * 15` admissions.

    Members
    -------
    i_enable : In(1)
        The link table is ready; before that nothing enters.
    i_rx, i_sent, i_timer, i_visit0..2, i_host0..2, i_victim, i_command,
    i_look, i_ask (`link.lookup`), i_replay, i_retire (`link.replayer`) : In(stream)
        Sources. `ready` of each depends on the `valid` of all and on the credits.
    cfg_ieee : In(1)
        EtherType of links that the host opens.
    i_done : In(1), i_done_event : In(Event), i_done_may_send, i_done_control,
    i_done_payload : In(1)
        An event leaves Q3; whether room for a PAYLOAD was promised to it; and whether it sent a
        control frame or a PAYLOAD.
    i_control_left, i_payload_left : In(1), In(2)
        Frames that left the transmit queues.
    o_event : Out(event)
        The event that enters Q1 with the next clock.
    """

    def __init__(self, config):
        self._config = config
        lid = stream.Signature(config.lid_bits)
        super().__init__({
            "i_enable": In(1),
            "i_rx": In(stream.Signature(rx_event_layout(config))),
            "i_sent": In(lid),
            "i_timer": In(lid),
            **{f"i_visit{vc}": In(lid) for vc in range(config.VCS)},
            **{f"i_host{vc}": In(stream.Signature(host_event_layout(config)))
               for vc in range(config.VCS)},
            "i_look": In(stream.Signature(look_layout(config))),
            "i_replay": In(stream.Signature(replay_layout(config))),
            "i_retire": In(lid),
            "i_ask": In(stream.Signature(ask_layout(config))),
            "i_victim": In(lid),
            "i_command": In(stream.Signature(command_layout)),
            "cfg_ieee": In(1),
            "i_done": In(1),
            "i_done_event": In(Event),
            "i_done_may_send": In(1),
            "i_done_control": In(1),
            "i_done_payload": In(1),
            "i_control_left": In(1),
            "i_payload_left": In(2),
            "o_event": Out(event_signature(pipeline_event_layout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        event = self.o_event.payload
        control_free, payload_free = self._credits(m)
        look, replay, ask = self.i_look, self.i_replay, self.i_ask
        resends = replay.p.walk == Walk.REPLAY

        # (source, event, VC of the port, which room it needs)
        no_room, control = self.i_enable, self.i_enable & control_free
        payload = control & payload_free
        sources = [
            (self.i_sent, Event.SENT, None, no_room),
            (self.i_rx, None, None, control),
            (look, None, None, Mux(look.p.purge, no_room, control)),
            (replay, None, None, no_room & (payload_free | ~resends)),
        ]
        for vc in VC_ORDER:
            sources += [(getattr(self, f"i_visit{vc}"), Event.VISIT, None, payload),
                        (getattr(self, f"i_host{vc}"), Event.HOST_PAYLOAD, vc, payload)]
        sources += [(self.i_retire, Event.RETIRE, None, no_room), (ask, None, None, control),
                    (self.i_victim, Event.VICTIM, None, control),
                    (self.i_command, None, None, control),
                    (self.i_timer, Event.TIMER, None, control)]

        m.submodules.arbiter = arbiter = UrgencyArbiter(len(sources))
        m.d.comb += [
            arbiter.requests.eq(Cat(*(source.valid & room for source, *_, room in sources))),
            arbiter.advance.eq(self.o_event.valid),
            self.o_event.valid.eq(arbiter.requests.any()),
            # Only received frames have these; no other source needs them masked.
            event.epoch.eq(self.i_rx.payload.epoch),
            event.selective.eq(self.i_rx.payload.selective),
            event.rx_slot.eq(self.i_rx.payload.slot),
            event.tx_id.eq(self.i_rx.payload.tx_id),
            event.rx_id.eq(self.i_rx.payload.rx_id),
        ]
        lid, slot = 0, 0
        for index, (source, kind, vc, _room) in enumerate(sources):
            grant = arbiter.grant[index]
            m.d.comb += source.ready.eq(grant)
            with m.If(grant):
                if source is self.i_rx:
                    nacked = source.payload.opcode == Opcode.NACK
                    m.d.comb += [event.event.eq(source.payload.opcode.as_value()),
                                 event.node.eq(source.payload.node),
                                 event.vc.eq(source.payload.vc),
                                 event.ieee.eq(source.payload.ieee),
                                 event.room.eq(source.payload.room),
                                 event.may_send.eq(nacked & payload_free)]
                elif source is self.i_command:
                    closes = source.payload.command == Command.CLOSE
                    m.d.comb += [event.event.eq(Mux(closes, Event.HOST_CLOSE, Event.HOST_OPEN)),
                                 event.node.eq(source.payload.node),
                                 event.vc.eq(source.payload.vc),
                                 event.ieee.eq(self.cfg_ieee)]
                elif vc is not None:
                    m.d.comb += [event.event.eq(kind), event.node.eq(source.payload.node),
                                 event.vc.eq(vc), event.ieee.eq(self.cfg_ieee),
                                 event.may_send.eq(1)]
                else:
                    m.d.comb += event.by_lid.eq(1)
                    self._by_lid(m, source, kind)
            if vc is not None or source is replay:
                slot |= source.payload.slot & grant.replicate(self._config.slot_bits)
            if source in (look, replay, ask):
                lid |= source.payload.lid & grant.replicate(self._config.lid_bits)
            elif kind is not None and vc is None:
                lid |= source.payload & grant.replicate(self._config.lid_bits)
        m.d.comb += [event.lid.eq(lid), event.slot.eq(slot)]
        return m

    def _by_lid(self, m, source, kind):
        """The event of a source that knows its link's number."""
        event, payload = self.o_event.payload, source.payload
        if source is self.i_look:
            m.d.comb += [event.event.eq(Mux(payload.purge, Event.PURGE, Event.LOOK)),
                         event.tx_id.eq(payload.id), event.room.eq(payload.last)]
        elif source is self.i_ask:
            m.d.comb += [event.event.eq(Event.ASK), event.tx_id.eq(payload.id),
                         event.rx_id.eq(payload.first)]
        elif source is self.i_replay:
            resends = payload.walk == Walk.REPLAY
            m.d.comb += [event.event.eq(Mux(resends, Event.REPLAY, Mux(
                             payload.walk == Walk.SEEK, Event.SEEK, Event.WALKED))),
                         event.rx_id.eq(payload.first), event.tx_id.eq(payload.last),
                         event.may_send.eq(resends)]
        else:
            m.d.comb += [event.event.eq(kind), event.may_send.eq(kind == Event.VISIT)]

    def _credits(self, m):
        """Room that is promised to nobody in the control and the PAYLOAD queue."""
        config = self._config
        control = Signal(range(config.control_depth + 1), init=config.control_depth)
        payload = Signal(range(config.payload_depth + 1), init=config.payload_depth)

        def may_answer(event):
            return ~Cat(*(event == kind for kind in _SILENT)).any()

        takes = self.o_event.valid & may_answer(self.o_event.payload.event)
        unused = self.i_done & may_answer(self.i_done_event) & ~self.i_done_control
        m.d.sync += control.eq(control - takes + unused + self.i_control_left)
        takes = self.o_event.valid & self.o_event.payload.may_send
        unused = self.i_done & self.i_done_may_send & ~self.i_done_payload
        m.d.sync += payload.eq(payload - takes + unused + self.i_payload_left)
        return control != 0, payload != 0
