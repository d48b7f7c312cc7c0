"""Proofs about Q0: what enters, as what, and that there is room for what it sends."""

from amaranth.hdl import Cat, Const, Mux, Signal
from amaranth.lib import wiring

from ttpoe.link.fsm import Event
from ttpoe.link.table import link_row
from ttpoe.pipeline import q0_arbitrate
from ttpoe.pipeline.hold import Hold
from ttpoe.pipeline.records import entry_layout
from ttpoe.protocol import Opcode
from ttpoe.reorder.directory import directory_index
from ttpoe.replay.replayer import Walk

from ..memories import built, inner
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(
    width_bits=64, slots=4, sets=2, rx_slots=8, reorder_slots=2, control_depth=4, payload_depth=3
)

_FILE = "pipeline/q0_arbitrate.py"

SILENT = "SENT SEEK REPLAY WALKED PURGE RETIRE".split()

ORDER = (
    "sent rx look replay visit1 host1 visit0 host0 visit2 host2 retire ask victim command timer"
).split()
"""The sources, the most urgent first."""


def is_one_of(value, names):
    return Cat(*(value == Event[name].value for name in names)).any()


class _Arbitrate(Proof):
    size = SIZE

    def arbitrate(self, h):
        """Q0 with any input that keeps the rules."""
        self.dut = dut = q0_arbitrate.Arbitrate(self.size)
        self.holds = holds = []

        def kept(*arguments):
            holds.append(Hold(*arguments))
            return holds[-1]

        q0_arbitrate.Hold = kept
        try:
            h.m.submodules.dut = self.parts = parts = built(dut)
        finally:
            q0_arbitrate.Hold = Hold
        self.grant = inner(parts, "arbiter")["grant"]
        self.asks = inner(parts)["requests"]
        self.waits = inner(parts)["waiting"]
        h.drive(
            dut,
            "i_enable",
            "cfg_ieee",
            "i_aside",
            "o_event",
            *(
                name
                for name, member in dut.signature.members.items()
                if member.is_signature and member.flow is wiring.In
            ),
        )
        h.streams(dut)
        # What was chosen waits for the door; the choice fills an empty `o_event` at once.
        self.moves = dut.o_event.ready | ~dut.o_event.valid
        rx, command = dut.i_rx, dut.i_command
        h.assume(rx.p.opcode.as_value() <= 10)
        h.assume((rx.p.vc < 3) & (command.p.vc < 3) & (dut.i_replay.p.walk.as_value() < 3))
        return dut


class Entries(_Arbitrate):
    shows = (
        "Q0: every event of every source comes out once, in order within its source, with all its"
        " fields, its row of the link table and its place of the directory, two clocks after it"
        " was offered at the earliest, and stays until it is taken; of a received frame only a NACK"
        " is promised a PAYLOAD, and who needs the promise has it; while anybody may enter and the"
        " door is open one does in every clock; who waits asks in every clock; nothing"
        " enters before `i_enable`"
    )
    config = "4 links, 64 bits wide; watched: any one event of any one source"
    mode = "sat"
    depth = 9
    why = (
        "three registers lie between a source and `o_event`; in 9 clocks an event has come out of"
        " a source behind another of the same one, with others around it; what an event says does"
        " not depend on older ones"
    )
    cover_depth = 9
    defects = (
        Defect(
            "a look-up has no place of the directory",
            _FILE,
            'if name in ("rx", "look", "ask"):',
            'if name in ("rx", "ask"):',
        ),
        Defect(
            "every received frame has a place of the directory",
            _FILE,
            'payload.opcode == Opcode.PAYLOAD if name == "rx" else Const(1, 1)',
            "Const(1, 1)",
        ),
        Defect(
            "a REPLAY enters without room for its PAYLOAD",
            _FILE,
            'if name.rstrip("012") in ("visit", "host", "replay"):',
            'if name.rstrip("012") in ("visit", "host"):',
        ),
        Defect(
            "an event is lost when the door is shut",
            _FILE,
            "hold.i_take.eq(arbiter.grant[number] & moves)",
            "hold.i_take.eq(arbiter.grant[number])",
        ),
        Defect(
            "the next event of a source shows through",
            _FILE,
            "hold.i_joined.eq(moves)",
            "hold.i_joined.eq(1)",
        ),
        Defect(
            "sources are let in before the table is ready",
            _FILE,
            "hold.i_event.valid.eq(source.valid & enable)",
            "hold.i_event.valid.eq(source.valid)",
        ),
        Defect(
            "a RETIRE does not say how many slots",
            _FILE,
            "slot=payload.slot, count=payload.count",
            "slot=payload.slot",
        ),
        Defect(
            "a LOOK that is ahead does not say so",
            _FILE,
            "place=payload.id, last=payload.last",
            "place=payload.id, last=payload.last & payload.purge",
        ),
        Defect(
            "a visit has the row of the next link",
            _FILE,
            'fields["lid"][1:]',
            '(fields["lid"] + 1)[1:]',
        ),
    )

    def build(self, h):
        m, dut = h.m, self.arbitrate(h)
        out = dut.o_event
        moves = self.moves
        h.check_if(h.past(moves & self.asks.any()), out.valid)
        h.check_if(h.past(moves & ~self.asks.any(), init=1), ~out.valid)
        valids = Cat(inner(self.parts, f"hold_{name}")["o_valid"] for name in ORDER)
        h.check(self.asks | self.waits == valids)

        # One source, any, and one event of it, any.
        number = h.constant(4, "number")
        h.assume(number < len(ORDER))
        offered, wanted = Signal(), Signal(entry_layout(self.size))
        taken = Signal()
        with m.Switch(number):
            for n, (source, expected) in enumerate(self.sources()):
                with m.Case(n):
                    m.d.comb += [
                        offered.eq(source.valid),
                        taken.eq(source.valid & source.ready),
                        *self.assigned(wanted, expected),
                    ]
        h.check_if(taken, h.past(dut.i_enable))
        follows, entry = Signal(), Signal(entry_layout(self.size))
        level, ahead = Signal(3), Signal(3)
        starts, pops = Signal(), Signal()
        comes, came = Signal(), Signal()
        m.d.comb += [
            pops.eq(self.grant.bit_select(number, 1) & moves),
            starts.eq(h.free(1, "follow") & taken & ~follows),
            comes.eq(follows & pops & (ahead == 0)),
        ]
        m.d.sync += [level.eq(level + taken - pops), came.eq(comes | (came & ~moves))]
        with m.If(starts):
            m.d.sync += [follows.eq(1), ahead.eq(level - pops)]
        with m.Elif(follows & pops):
            m.d.sync += [ahead.eq(ahead - 1), follows.eq(ahead != 0)]
        with m.If(starts & ~came):
            m.d.sync += entry.eq(wanted)
        h.assume(~(starts & came))
        h.check_if(pops, level != 0)
        h.check(level <= 2)
        promised = Signal()
        with m.If(comes):
            m.d.sync += promised.eq(dut.payload.i_taken)
        received = number == ORDER.index("rx")
        got = out.p
        m.d.comb += self.masked(h, entry, got, promised, came, received)
        h.check_if(came & ~received, promised == entry.event.may_send)
        h.reach(came & h.past(came & ~moves) & received & promised)
        for name in ("look", "host2", "timer"):
            h.reach(came & (number == ORDER.index(name)) & h.past(h.past(offered)))

    def assigned(self, wanted, expected):
        for field, value in expected.items():
            target = wanted if field in ("row", "uses_place", "place") else wanted.event
            yield target[field].eq(value)

    def masked(self, h, entry, got, promised, came, received):
        """`o_event` is what was expected; whether it may send is what was promised."""
        h.check_if(came, self.dut.o_event.valid)
        for field in ("row", "uses_place"):
            h.check_if(came, got[field] == entry[field])
        h.check_if(came & entry.uses_place, got.place == entry.place)
        for field in entry.event.shape().members:
            if field != "may_send":
                h.check_if(came, Cat(got.event[field]) == Cat(entry.event[field]))
        h.check_if(came, got.event.may_send == (entry.event.may_send & promised))
        return []

    def sources(self):
        """(stream, what is expected of its event), in their order."""
        dut, size = self.dut, self.size
        rx, command, look, ask, replay, retire = (
            getattr(dut, f"i_{name}") for name in "rx command look ask replay retire".split()
        )

        def by_lid(kind, lid, place_of=None, **fields):
            row = lid[1:]
            if place_of is not None:
                fields |= {"uses_place": 1, "place": directory_index(size, row, place_of)}
            return {"event": kind, "by_lid": 1, "lid": lid, "row": row, **fields}

        def by_node(kind, node, vc, **fields):
            row = link_row(size, node, vc)
            return {"event": kind, "node": node, "vc": vc, "row": row, **fields}

        closes = command.p.command.as_value()
        walk = replay.p.walk
        yields = {
            name: (port := getattr(dut, f"i_{name}"), by_lid(Event[name.upper()], port.payload))
            for name in ("sent", "victim", "timer")
        }
        for vc in range(3):
            visit, host = dut.i_visit[vc], dut.i_host[vc]
            yields[f"visit{vc}"] = visit, by_lid(Event.VISIT, visit.payload, may_send=1)
            fields = {"slot": host.p.slot, "ieee": dut.cfg_ieee, "may_send": 1}
            event = by_node(Event.HOST_PAYLOAD, host.p.node, Const(vc, 2), **fields)
            yields[f"host{vc}"] = host, event
        kind = Mux(closes, Event.HOST_CLOSE.value, Event.HOST_OPEN.value)
        event = by_node(kind, command.p.node, command.p.vc, ieee=dut.cfg_ieee)
        yields["command"] = command, event
        kind = Mux(look.p.purge, Event.PURGE.value, Event.LOOK.value)
        fields = {"tx_id": look.p.id, "room": look.p.last}
        yields["look"] = look, by_lid(kind, look.p.lid, look.p.id, **fields)
        yields["ask"] = ask, by_lid(Event.ASK, ask.p.lid, ask.p.id, tx_id=ask.p.id)
        fields = {"slot": retire.p.slot, "rx_id": retire.p.count}
        yields["retire"] = retire, by_lid(Event.RETIRE, retire.p.lid, **fields)
        resends, seeks = walk == Walk.REPLAY, walk == Walk.SEEK
        kind = Mux(resends, Event.REPLAY.value, Mux(seeks, Event.SEEK.value, Event.WALKED.value))
        fields = {"slot": replay.p.slot, "rx_id": replay.p.first, "tx_id": replay.p.last}
        yields["replay"] = replay, by_lid(kind, replay.p.lid, may_send=resends, **fields)
        names = "ieee epoch selective controlled congestion tx_id rx_id room".split()
        received = by_node(rx.p.opcode.as_value(), rx.p.node, rx.p.vc)
        yields["rx"] = (
            rx,
            received
            | {name: rx.p[name] for name in names}
            | {
                "rx_slot": rx.p.slot,
                "may_send": rx.p.opcode == Opcode.NACK,
                "uses_place": rx.p.opcode == Opcode.PAYLOAD,
                "place": directory_index(size, received["row"], rx.p.tx_id),
            },
        )
        return [yields[name] for name in ORDER]


class Rooms(_Arbitrate):
    shows = (
        "Q0's credits: whatever events enter, whatever of the frames that they were promised room"
        " for they send, and however long these wait, neither queue behind Q3 ever overflows; no"
        " credit is lost or doubled"
    )
    config = (
        "4 links; queues of 4 and 3 frames; between Q0 and the queues any number of clocks; a"
        " frame's leaving is told a clock later, of up to 3 PAYLOADs at once"
    )
    mode = "induction"
    depth = 3
    cover_depth = 14
    defect_depth = 14
    defects = (
        Defect(
            "a NACK is promised a PAYLOAD without room",
            _FILE,
            'value & payload_promised if field == "may_send" else value',
            "value",
        ),
        Defect(
            "a promise is counted only while the door is open the clock before",
            _FILE,
            "control.i_taken.eq(Cat(*controls).any() & moves)",
            "control.i_taken.eq(Cat(*controls).any() & moves & ~self.o_event.valid)",
        ),
        Defect(
            "a visit of the timer is promised no room",
            _FILE,
            "Const(kind not in SILENT, 1)",
            "Const(kind not in (*SILENT, Event.TIMER), 1)",
        ),
        Defect(
            "frames that are not sent after all give nothing back",
            _FILE,
            "control.i_back.eq(self.i_control_unused + self.i_control_left)",
            "control.i_back.eq(self.i_control_left)",
        ),
        Defect(
            "of two places that come back at once one is lost",
            _FILE,
            "payload.i_back.eq(self.i_payload_unused + self.i_payload_left)",
            "payload.i_back.eq(self.i_payload_unused | self.i_payload_left)",
        ),
    )

    def build(self, h):
        dut, m = self.arbitrate(h), h.m
        out = dut.o_event
        kind, may_send = out.p.event.event.as_value(), out.p.event.may_send
        self.stage(h, kind)
        promised = {
            "control": out.valid & ~is_one_of(kind, SILENT),
            "payload": out.valid & may_send,
        }
        full = []
        for name, depth in (
            ("control", self.size.control_depth),
            ("payload", self.size.payload_depth),
        ):
            under_way, waiting = (Signal(4, name=f"{name}_{what}") for what in ("on_way", "waits"))
            unused, pushed = h.free(1, f"{name}_unused"), h.free(1, f"{name}_pushed")
            h.assume(~(unused & pushed))
            h.assume_if(unused | pushed, under_way != 0)
            leaves = h.free(2 if name == "payload" else 1, f"{name}_leaves")
            h.assume(leaves <= waiting)
            told = h.past(leaves)
            m.d.comb += [
                getattr(dut, f"i_{name}_unused").eq(unused),
                getattr(dut, f"i_{name}_left").eq(told),
            ]
            m.d.sync += [
                under_way.eq(under_way + (promised[name] & out.ready) - (unused | pushed)),
                waiting.eq(waiting + pushed - leaves),
            ]
            used = Signal(5, name=f"{name}_used")
            m.d.comb += used.eq(waiting + told + under_way + promised[name])
            h.check(waiting <= depth)
            h.check(used <= depth)
            credits = getattr(dut, name)
            h.check_if(credits.i_taken, credits.o_left)
            left = inner(self.parts, name)["left"]
            taken, back = h.past(credits.i_taken), h.past(credits.i_back)
            h.check(left + used + back == depth + taken)
            h.check_if(credits.o_left, used < depth)
            full.append(waiting == depth)
        h.reach(full[0] & full[1])
        h.reach(full[1] & out.valid & (kind == Event.RX_NACK.value) & ~may_send & ~out.ready)

    def stage(self, h, kind):
        """Who was chosen, and that its hold still holds it: helps the induction."""
        m, out = h.m, self.dut.o_event
        chosen, wished = Signal(len(ORDER)), Signal()
        moves = self.moves
        with m.If(moves):
            m.d.sync += [chosen.eq(self.grant), wished.eq(self.dut.payload.o_left)]
        h.check(out.valid == chosen.any())
        h.check(chosen & (chosen - 1) == 0)
        pointer = inner(self.parts, "arbiter")["pointer"]
        h.check((pointer != 0) & (pointer & (pointer - 1) == 0))
        for number, (name, hold) in enumerate(zip(ORDER, self.holds)):
            record, members = hold.o_waits, hold.o_waits.shape().members
            h.check(inner(self.parts, f"hold_{name}")["taken"] == chosen[number])
            h.check(~(hold.o_valid & chosen[number]))
            fixed = name.rstrip("012").upper()
            event = record.event if "event" in members else None
            if event is None:
                event = Event[fixed if fixed != "HOST" else "HOST_PAYLOAD"].value
            h.check_if(chosen[number], kind == event)
            may_send = record.may_send if "may_send" in members else fixed in ("VISIT", "HOST")
            h.check_if(chosen[number], out.p.event.may_send == (may_send & wished))
            if name == "rx":
                h.check_if(h.later, event <= 10)
            if name == "look":
                h.check_if(h.later, event == Mux(record.control, Event.LOOK, Event.PURGE))
            if name == "replay":
                h.check_if(h.later, is_one_of(event, ("SEEK", "REPLAY", "WALKED")))
            if name == "command":
                h.check_if(h.later, is_one_of(event, ("HOST_OPEN", "HOST_CLOSE")))
