"""Q0: one event per clock, the most urgent first (protocol sections 1.3 and 5.1).

Nothing enters that cannot leave: an event is admitted only while the queues behind Q3 have room
for every frame that it and all events before it in the pipeline may cause (credits). An event that
must wait stays in its own queue; received events that find theirs full are dropped at the door.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Command, command_layout, event_signature, host_event_layout, rx_event_layout
from ..link.fsm import Event
from ..protocol import VC_ORDER, Opcode
from ..reorder.ask import ask_layout
from ..reorder.lookup import look_layout
from ..replay.replayer import Walk, replay_layout
from ..stream.arbiter import UrgencyArbiter
from .records import event_fields, pipeline_event_layout

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
    does so within `4 * 15` admissions. Who has no room for its frame keeps its turn until there is.

    Members
    -------
    i_enable : In(1)
        The link table is ready; before that nothing enters.
    i_rx, i_sent, i_timer, i_visit and i_host (one for each VC), i_victim, i_command,
    i_look, i_ask (`reorder`), i_replay, i_retire (`replay`) : In(stream)
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
        super().__init__(
            {
                "i_enable": In(1),
                "i_rx": In(stream.Signature(rx_event_layout(config))),
                "i_sent": In(lid),
                "i_timer": In(lid),
                "i_visit": In(lid).array(config.VCS),
                "i_host": In(stream.Signature(host_event_layout(config))).array(config.VCS),
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
            }
        )

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
            sources += [
                (self.i_visit[vc], Event.VISIT, None, payload),
                (self.i_host[vc], Event.HOST_PAYLOAD, vc, payload),
            ]
        sources += [
            (self.i_retire, Event.RETIRE, None, no_room),
            (ask, None, None, control),
            (self.i_victim, Event.VICTIM, None, control),
            (self.i_command, None, None, control),
            (self.i_timer, Event.TIMER, None, control),
        ]

        m.submodules.arbiter = arbiter = UrgencyArbiter(len(sources))
        m.d.comb += [
            arbiter.requests.eq(Cat(*(source.valid & room for source, *_, room in sources))),
            arbiter.waiting.eq(Cat(*(source.valid & ~room for source, *_, room in sources))),
            arbiter.advance.eq(self.o_event.valid),
            self.o_event.valid.eq(arbiter.requests.any()),
        ]
        # At most one grant: what the sources say is masked and joined, which no tool would find.
        joined = dict.fromkeys(
            (
                "event",
                "by_lid",
                "lid",
                "node",
                "vc",
                "ieee",
                "epoch",
                "selective",
                "tx_id",
                "rx_id",
                "room",
                "rx_slot",
                "slot",
                "may_send",
            ),
            0,
        )
        for index, (source, kind, vc, _room) in enumerate(sources):
            grant = arbiter.grant[index]
            m.d.comb += source.ready.eq(grant)
            for name, value in self._fields(source, kind, vc, payload_free).items():
                value = Value.cast(value)
                joined[name] |= value & grant.replicate(len(value))
        m.d.comb += [event[name].eq(value) for name, value in joined.items()]
        return m

    def _fields(self, source, kind, vc, payload_free):
        """The event that a source raises: {field: value}, 0 what is not named."""
        payload = source.payload
        if source is self.i_rx:
            nacked = payload.opcode == Opcode.NACK
            return {
                **{
                    name: payload[name]
                    for name in (
                        "node",
                        "vc",
                        "ieee",
                        "epoch",
                        "selective",
                        "tx_id",
                        "rx_id",
                        "room",
                    )
                },
                "event": payload.opcode,
                "rx_slot": payload.slot,
                "may_send": nacked & payload_free,
            }
        if source is self.i_command:
            closes = payload.command == Command.CLOSE
            return {
                "event": Mux(closes, Event.HOST_CLOSE, Event.HOST_OPEN),
                "node": payload.node,
                "vc": payload.vc,
                "ieee": self.cfg_ieee,
            }
        if vc is not None:
            return {
                "event": kind,
                "node": payload.node,
                "vc": Const(vc, 2),
                "ieee": self.cfg_ieee,
                "slot": payload.slot,
                "may_send": Const(1),
            }
        # The others know their link's number.
        if source is self.i_look:
            # A LOOK's ID lies where a PURGE has its place.
            return {
                "event": Mux(payload.purge, Event.PURGE, Event.LOOK),
                "by_lid": Const(1),
                "lid": payload.lid,
                **event_fields("purge", place=payload.id, last=payload.last),
            }
        if source is self.i_ask:
            return {
                "event": Event.ASK,
                "by_lid": Const(1),
                "lid": payload.lid,
                **event_fields("ask", id=payload.id, first=payload.first),
            }
        if source is self.i_replay:
            resends = payload.walk == Walk.REPLAY
            seeks = payload.walk == Walk.SEEK
            # A REPLAY's ID lies where a SEEK has the first of its range.
            return {
                "event": Mux(resends, Event.REPLAY, Mux(seeks, Event.SEEK, Event.WALKED)),
                "by_lid": Const(1),
                "lid": payload.lid,
                "slot": payload.slot,
                **event_fields("seek", first=payload.first, last=payload.last),
                "may_send": resends,
            }
        return {
            "event": kind,
            "by_lid": Const(1),
            "lid": payload,
            "may_send": Const(kind == Event.VISIT),
        }

    def _credits(self, m):
        """Room that is promised to nobody in the control and the PAYLOAD queue."""
        config = self._config
        control = Signal(range(config.control_depth + 1), init=config.control_depth)
        payload = Signal(range(config.payload_depth + 1), init=config.payload_depth)

        def may_answer(event):
            return ~event.as_value().matches(*_SILENT)

        free = []
        for left, takes, unused, came_back in (
            (
                control,
                may_answer(self.o_event.payload.event),
                may_answer(self.i_done_event) & ~self.i_done_control,
                self.i_control_left,
            ),
            (
                payload,
                self.o_event.payload.may_send,
                self.i_done_may_send & ~self.i_done_payload,
                self.i_payload_left,
            ),
        ):
            m.d.sync += left.eq(
                left - (self.o_event.valid & takes) + (self.i_done & unused) + came_back
            )
            free.append(left != 0)
        return free
