"""Q0: one event per clock, the most urgent first (protocol sections 1.3 and 5.1).

Nothing enters that cannot leave: an event is admitted only while the queues behind Q3 have room
for every frame that it and all events before it in the pipeline may cause (credits). An event that
must wait stays in its own queue; received events that find theirs full are dropped at the door.

Three clocks: each source's event comes into a register (`pipeline.hold`); one of them is chosen;
what it says is joined into one record. The interlock behind it (`pipeline.interlock`) is the fourth.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import (
    Command,
    command_layout,
    event_signature,
    form_layout,
    header_layout,
    host_event_layout,
    rx_event_layout,
)
from ..link.fsm import Event
from ..link.table import link_row
from ..protocol import VC_ORDER, Opcode
from ..reorder.ask import ask_layout
from ..reorder.directory import directory_index
from ..reorder.lookup import look_layout
from ..replay.replayer import Walk, replay_layout
from ..replay.retirer import retire_layout
from ..stream.arbiter import UrgencyArbiter
from .credits import Credits
from .hold import Hold
from .records import SILENT, entry_layout, event_fields

__all__ = ["Arbitrate"]

_FAST_BITS = 256
"""From this width on the wire can bring an event every second clock, or every clock."""


class Arbitrate(wiring.Component):
    """Q0.

    Order of urgency: reports of sent OPEN_ACKs (the peer's first PAYLOAD may be right behind),
    received frames, look-ups for kept packets, selective replays, then by VC (1, 0, 2) links that
    are ready and payloads of the host, then slots to be freed, questions for gaps, victims,
    commands of the host and the link timer, which gives way to all others. While somebody waits
    three admissions in four go by that order, the fourth in turn, so that everyone who may enter
    does so within `4 * 15` admissions. Who has no room for its frame keeps its turn until there is,
    and so does an event of the set of the one that waits aside (`pipeline.interlock`).

    Members
    -------
    i_enable : In(1)
        The link table is ready; before that nothing enters.
    i_rx, i_sent, i_timer, i_visit and i_host (one for each VC), i_victim, i_command,
    i_look, i_ask (`reorder`), i_replay, i_retire (`replay`) : In(stream)
        Sources. `ready` of each comes from a register. A source has one event in three clocks; at
        256 bits and more `i_rx`, `i_visit` and `i_host` have one in every clock.
    cfg_ieee : In(1)
        EtherType of links that the host opens.
    cfg_ipv4 : In(1)
        With `Config.ipv4`: they have the IPv4 form instead.
    i_control_unused, i_payload_unused : In(1)
        An event has left Q3 without the frame that it was promised room for.
    i_control_left, i_payload_left : In(1), In(2)
        Frames that left the transmit queues.
    i_aside : In(event of row)
        See `pipeline.interlock`.
    o_event : Out(stream of entry)

    Timing: idle, an event is in `o_event` two clocks after its source offered it.
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
                "i_retire": In(stream.Signature(retire_layout(config))),
                "i_ask": In(stream.Signature(ask_layout(config))),
                "i_victim": In(lid),
                "i_command": In(stream.Signature(command_layout)),
                "cfg_ieee": In(1),
                **({"cfg_ipv4": In(1)} if config.ipv4 else {}),
                "i_control_unused": In(1),
                "i_payload_unused": In(1),
                "i_control_left": In(1),
                "i_payload_left": In(2),
                "i_aside": In(event_signature(config.row_bits)),
                "o_event": Out(stream.Signature(entry_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.control = self.control = control = Credits(config.control_depth)
        m.submodules.payload = self.payload = payload = Credits(config.payload_depth)
        enable = Signal()
        m.d.sync += enable.eq(self.i_enable)
        sources = self._sources()
        m.submodules.arbiter = arbiter = UrgencyArbiter(len(sources))
        moves, any_request = Signal(), Signal()
        # What was chosen waits for `ready`; choosing does not.
        m.d.comb += moves.eq(self.o_event.ready | ~self.o_event.valid)
        granted, payload_promised = Signal(len(sources)), Signal()

        requests, waiting, controls, payloads = [], [], [], []
        joined = {}
        for number, (name, source, kind, vc) in enumerate(sources):
            fast = config.width_bits >= _FAST_BITS and name.rstrip("012") in ("rx", "visit", "host")
            fields = self._fields(name, source.payload, kind, vc)
            fixed = {field: value for field, value in fields.items() if isinstance(value, Const)}
            # In the order in which they are named: that of a set is another one in every process.
            held = data.StructLayout(
                {field: len(value) for field, value in fields.items() if field not in fixed}
            )
            m.submodules[f"hold_{name}"] = hold = Hold(held, fast)
            m.d.comb += [
                hold.i_event.valid.eq(source.valid & enable),
                source.ready.eq(hold.i_event.ready & enable),
                *(hold.i_event.p[field].eq(fields[field]) for field in held.members),
                hold.i_take.eq(arbiter.grant[number] & moves),
                hold.i_joined.eq(moves),
            ]

            def of(field, record):
                return fixed.get(field, record[field] if field in held.members else Const(0))

            # An event of the set that waits aside would only wait behind it.
            hindered = Signal(name=f"hindered_{name}")
            m.d.sync += hindered.eq(
                hold.o_valid & self.i_aside.valid & (hold.o_waits.row == self.i_aside.payload)
            )
            room = enable & ~hindered
            if name != "sent" and name != "retire":
                room = room & (self.control.o_left | ~of("control", hold.o_waits))
            if name.rstrip("012") in ("visit", "host", "replay"):
                room = room & (self.payload.o_left | ~of("may_send", hold.o_waits))
            requests.append(hold.o_valid & room)
            waiting.append(hold.o_valid & ~room)
            controls.append(arbiter.grant[number] & of("control", hold.o_waits))
            promised = of("may_send", hold.o_waits)
            payloads.append(arbiter.grant[number] & promised & self.payload.o_left)
            for field in fields:
                if field == "control":
                    continue
                value = Value.cast(of(field, hold.o_taken))
                joined[field] = joined.get(field, 0) | (
                    value & granted[number].replicate(len(value))
                )

        m.d.comb += [
            arbiter.requests.eq(Cat(*requests)),
            arbiter.waiting.eq(Cat(*waiting)),
            any_request.eq(arbiter.requests.any()),
            arbiter.advance.eq(any_request & moves),
            control.i_taken.eq(Cat(*controls).any() & moves),
            control.i_back.eq(self.i_control_unused + self.i_control_left),
            payload.i_taken.eq(Cat(*payloads).any() & moves),
            payload.i_back.eq(self.i_payload_unused + self.i_payload_left),
        ]
        with m.If(moves):
            m.d.sync += [
                granted.eq(arbiter.grant),
                payload_promised.eq(self.payload.o_left),
                self.o_event.valid.eq(any_request),
            ]
        # At most one was granted: what the sources say is masked and joined, which no tool would
        # find.
        entry = self.o_event.payload
        for field, value in joined.items():
            target = entry if field in ("row", "uses_place", "place") else entry.event
            value = value & payload_promised if field == "may_send" else value
            m.d.comb += target[field].eq(value)
        return m

    def _sources(self):
        """(name, stream, event, VC of the port), the most urgent first."""
        sources = [
            ("sent", self.i_sent, Event.SENT, None),
            ("rx", self.i_rx, None, None),
            ("look", self.i_look, None, None),
            ("replay", self.i_replay, None, None),
        ]
        for vc in VC_ORDER:
            sources += [
                (f"visit{vc}", self.i_visit[vc], Event.VISIT, None),
                (f"host{vc}", self.i_host[vc], Event.HOST_PAYLOAD, vc),
            ]
        return [
            *sources,
            ("retire", self.i_retire, Event.RETIRE, None),
            ("ask", self.i_ask, Event.ASK, None),
            ("victim", self.i_victim, Event.VICTIM, None),
            ("command", self.i_command, None, None),
            ("timer", self.i_timer, Event.TIMER, None),
        ]

    def _fields(self, name, payload, kind, vc):
        """The event that a source raises: {field: value}, 0 what is not named.

        Beside the fields of the entry: `control`, whether it may send a control frame. `may_send`
        is what it wishes; only with room for a PAYLOAD it is granted.
        """
        fields = self._said(name, payload, kind, vc)
        row = (
            fields["lid"][1:]
            if "lid" in fields
            else link_row(self._config, fields["node"], fields["vc"])
        )
        fields["row"] = row[: self._config.row_bits]
        if name in ("rx", "look", "ask"):
            fields["uses_place"] = payload.opcode == Opcode.PAYLOAD if name == "rx" else Const(1, 1)
            fields["place"] = directory_index(self._config, fields["row"], fields["tx_id"])
        return {field: Value.cast(value) for field, value in fields.items()}

    def _said(self, name, payload, kind, vc):
        """What the source itself says."""
        form = {"ieee": self.cfg_ieee}
        if self._config.ipv4:
            form |= {"ieee": self.cfg_ieee & ~self.cfg_ipv4, "ipv4": self.cfg_ipv4}
        if name == "rx":
            names = *header_layout(without=("opcode",)), "room", *form_layout(self._config)
            return {
                **{field: payload[field] for field in names},
                "event": payload.opcode,
                "rx_slot": payload.slot,
                "may_send": payload.opcode == Opcode.NACK,
                "control": Const(1, 1),
            }
        if name == "command":
            closes = payload.command == Command.CLOSE
            return {
                "event": Mux(closes, Event.HOST_CLOSE, Event.HOST_OPEN),
                "node": payload.node,
                "vc": payload.vc,
                **form,
                "control": Const(1, 1),
            }
        if vc is not None:
            return {
                "event": kind,
                "node": payload.node,
                "vc": Const(vc, 2),
                **form,
                "slot": payload.slot,
                "may_send": Const(1, 1),
                "control": Const(1, 1),
            }
        # The others know their link's number.
        if name == "look":
            # A LOOK's ID lies where a PURGE has its place.
            return {
                "event": Mux(payload.purge, Event.PURGE, Event.LOOK),
                "by_lid": Const(1, 1),
                "lid": payload.lid,
                **event_fields("purge", place=payload.id, last=payload.last),
                "control": ~payload.purge,
            }
        if name == "ask":
            return {
                "event": Event.ASK,
                "by_lid": Const(1, 1),
                "lid": payload.lid,
                **event_fields("ask", id=payload.id),
                "control": Const(1, 1),
            }
        if name == "replay":
            resends = payload.walk == Walk.REPLAY
            seeks = payload.walk == Walk.SEEK
            # A REPLAY's ID lies where a SEEK has the first of its range.
            return {
                "event": Mux(resends, Event.REPLAY, Mux(seeks, Event.SEEK, Event.WALKED)),
                "by_lid": Const(1, 1),
                "lid": payload.lid,
                "slot": payload.slot,
                **event_fields("seek", first=payload.first, last=payload.last),
                "may_send": resends,
                "control": Const(0, 1),
            }
        if name == "retire":
            return {
                "event": Event.RETIRE,
                "by_lid": Const(1, 1),
                "lid": payload.lid,
                **event_fields("retire", slot=payload.slot, count=payload.count),
                "control": Const(0, 1),
            }
        return {
            "event": kind,
            "by_lid": Const(1, 1),
            "lid": payload,
            "may_send": Const(kind == Event.VISIT, 1),
            "control": Const(kind not in SILENT, 1),
        }
