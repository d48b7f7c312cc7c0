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
from ..protocol import VC_ORDER
from ..stream.arbiter import UrgencyArbiter
from .fsm import Event
from .records import pipeline_event_layout

__all__ = ["Arbitrate"]


class Arbitrate(wiring.Component):
    """Q0.

    Order of urgency: reports of sent OPEN_ACKs (the peer's first PAYLOAD may be right behind),
    received frames, then by VC (1, 0, 2) links that are ready and payloads of the host, then
    victims, commands of the host and the link timer, which gives way to all others. While
    somebody waits three admissions in four go by that order, the fourth in turn, so that everyone
    who may enter does so within `4 * 11` admissions.

    Members
    -------
    i_enable : In(1)
        The link table is ready; before that nothing enters.
    i_rx, i_sent, i_timer, i_visit0..2, i_host0..2, i_victim, i_command : In(stream)
        Sources. `ready` of each depends on the `valid` of all and on the credits.
    cfg_ieee : In(1)
        EtherType of links that the host opens.
    i_done : In(1), i_done_event : In(Event), i_done_control, i_done_payload : In(1)
        An event leaves Q3, and whether it sent a control frame or a PAYLOAD.
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
            "i_victim": In(lid),
            "i_command": In(stream.Signature(command_layout)),
            "cfg_ieee": In(1),
            "i_done": In(1),
            "i_done_event": In(Event),
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

        # (source, event, needs room for a PAYLOAD, VC of the port)
        sources = [(self.i_sent, Event.SENT, 0, None), (self.i_rx, None, 0, None)]
        for vc in VC_ORDER:
            sources += [(getattr(self, f"i_visit{vc}"), Event.VISIT, 1, None),
                        (getattr(self, f"i_host{vc}"), Event.HOST_PAYLOAD, 1, vc)]
        sources += [(self.i_victim, Event.VICTIM, 0, None), (self.i_command, None, 0, None),
                    (self.i_timer, Event.TIMER, 0, None)]

        m.submodules.arbiter = arbiter = UrgencyArbiter(len(sources))
        eligible = [source.valid & self.i_enable & (kind == Event.SENT or control_free)
                    & (payload_free if needs_payload else 1)
                    for source, kind, needs_payload, _vc in sources]
        m.d.comb += [
            arbiter.requests.eq(Cat(*eligible)),
            arbiter.advance.eq(self.o_event.valid),
            self.o_event.valid.eq(arbiter.requests.any()),
            # Only received frames have these; no other source needs them masked.
            *(event[name].eq(self.i_rx.payload[name])
              for name in ("epoch", "selective", "tx_id", "rx_id")),
            event.rx_slot.eq(self.i_rx.payload.slot),
        ]
        lid, slot = 0, 0
        for index, (source, kind, _payload, vc) in enumerate(sources):
            grant = arbiter.grant[index]
            m.d.comb += source.ready.eq(grant)
            with m.If(grant):
                if source is self.i_rx:
                    m.d.comb += [event.event.eq(source.payload.opcode.as_value()),
                                 event.node.eq(source.payload.node),
                                 event.vc.eq(source.payload.vc),
                                 event.ieee.eq(source.payload.ieee),
                                 event.room.eq(source.payload.room)]
                elif source is self.i_command:
                    closes = source.payload.command == Command.CLOSE
                    m.d.comb += [event.event.eq(Mux(closes, Event.HOST_CLOSE, Event.HOST_OPEN)),
                                 event.node.eq(source.payload.node),
                                 event.vc.eq(source.payload.vc),
                                 event.ieee.eq(self.cfg_ieee)]
                elif vc is not None:
                    m.d.comb += [event.event.eq(kind), event.node.eq(source.payload.node),
                                 event.vc.eq(vc), event.ieee.eq(self.cfg_ieee)]
                else:
                    m.d.comb += [event.event.eq(kind), event.by_lid.eq(1)]
            mask = grant.replicate(self._config.lid_bits)
            if vc is not None:
                slot |= source.payload.slot & grant.replicate(self._config.slot_bits)
            elif kind is not None:
                lid |= source.payload & mask
        m.d.comb += [event.lid.eq(lid), event.slot.eq(slot)]
        return m

    def _credits(self, m):
        """Room that is promised to nobody in the control and the PAYLOAD queue."""
        config = self._config
        control = Signal(range(config.control_depth + 1), init=config.control_depth)
        payload = Signal(range(config.payload_depth + 1), init=config.payload_depth)

        def may_send(event):
            return event == Event.VISIT, event == Event.HOST_PAYLOAD

        entered, left = self.o_event.payload.event, self.i_done_event
        takes = self.o_event.valid & (entered != Event.SENT)
        unused = self.i_done & (left != Event.SENT) & ~self.i_done_control
        m.d.sync += control.eq(control - takes + unused + self.i_control_left)
        takes = self.o_event.valid & Cat(may_send(entered)).any()
        unused = self.i_done & Cat(may_send(left)).any() & ~self.i_done_payload
        m.d.sync += payload.eq(payload - takes + unused + self.i_payload_left)
        return control != 0, payload != 0
