"""Proof about Q0: what enters, and that it may."""

from amaranth.hdl import Cat, Const, Mux, Signal
from amaranth.lib import wiring

from ttpoe.link.fsm import Event
from ttpoe.pipeline.q0_arbitrate import Arbitrate
from ttpoe.protocol import Opcode
from ttpoe.replay.replayer import Walk

from ..memories import built, inner
from ..proof import Defect, Proof, shrunk

SIZE = shrunk(slots=4, sets=2, rx_slots=8, reorder_slots=2, control_depth=8, payload_depth=2)

SILENT = "SENT SEEK REPLAY WALKED PURGE RETIRE".split()


def is_one_of(value, names):
    return Cat(*(value == Event[name].value for name in names)).any()


class One(Proof):
    shows = (
        "Q0: one event enters in every clock in which anybody may, from exactly one source,"
        " which sees it taken, with all its fields; nothing enters before `i_enable`, or"
        " without room: neither queue behind Q3 ever overflows, and no credit is lost: who"
        " finds room for its frame may enter"
    )
    config = "4 links; queues of 8 and 2 frames; Q3 answers 3 clocks later, with any allowed frame"
    mode = "induction"
    depth = 6
    cover_depth = 16
    defect_depth = 16
    defects = (
        Defect(
            "an event that sends nothing keeps its credit",
            "pipeline/q0_arbitrate.py",
            "may_answer(self.i_done_event) & ~self.i_done_control",
            "0",
        ),
        Defect(
            "a REPLAY enters without room for its PAYLOAD",
            "pipeline/q0_arbitrate.py",
            "no_room & (payload_free | ~resends)",
            "no_room",
        ),
        Defect(
            "a NACK is promised a PAYLOAD without room",
            "pipeline/q0_arbitrate.py",
            '"may_send": nacked & payload_free}',
            '"may_send": nacked}',
        ),
        Defect(
            "a WALKED takes a credit that it does not give back",
            "pipeline/q0_arbitrate.py",
            "(control, may_answer(self.o_event.payload.event),",
            "(control, may_answer(self.o_event.payload.event)"
            " | (self.o_event.payload.event == Event.WALKED),",
        ),
    )

    def build(self, h):
        dut = Arbitrate(SIZE)
        h.m.submodules.dut = parts = built(dut)
        self.inner = inner(parts)
        pointer = inner(parts, "arbiter")["pointer"]
        h.check((pointer != 0) & (pointer & (pointer - 1) == 0))
        h.drive(
            dut,
            "i_enable",
            "cfg_ieee",
            "i_done_control",
            "i_done_payload",
            *(
                name
                for name, member in dut.signature.members.items()
                if member.is_signature and member.flow is wiring.In
            ),
        )
        h.streams(dut)
        rx, command = dut.i_rx, dut.i_command
        h.assume(rx.p.opcode.as_value() <= 10)
        h.assume((rx.p.vc < 3) & (command.p.vc < 3) & (dut.i_replay.p.walk.as_value() < 3))
        entered, event = dut.o_event.valid, dut.o_event.p
        kind = event.event.as_value()
        control, payload = self.rooms(h, dut, entered, kind, event.may_send)

        enabled = dut.i_enable
        by_lid = {
            "SENT": dut.i_sent,
            "TIMER": dut.i_timer,
            "RETIRE": dut.i_retire,
            "VICTIM": dut.i_victim,
        }
        visits, hosts = dut.i_visit, dut.i_host
        look, replay, ask = dut.i_look, dut.i_replay, dut.i_ask
        resends = replay.p.walk == Walk.REPLAY
        rooms = [
            (by_lid["SENT"], 1),
            (by_lid["RETIRE"], 1),
            (by_lid["TIMER"], control),
            (by_lid["VICTIM"], control),
            (rx, control),
            (command, control),
            (ask, control),
            (look, look.p.purge | control),
            (replay, ~resends | payload),
            *((source, control & payload) for source in (*visits, *hosts)),
        ]
        taken = [source.valid & source.ready for source, _room in rooms]
        h.check(sum(taken, Const(0, 1)) == entered)
        for source, room in rooms:
            h.check_if(source.valid & enabled & room, entered)
            h.check_if(source.ready, source.valid & enabled & room)
        h.check(event.by_lid == (kind >= Event.VISIT.value))
        h.check_if(entered, (kind <= Event.RETIRE.value) & (event.vc < 3))

        def enters(source, name, **fields):
            here = source.valid & source.ready
            wanted = Event[name].value if isinstance(name, str) else name
            h.check_if(here, kind == wanted)
            for field, value in fields.items():
                h.check_if(here, event[field] == value)

        for name, source in by_lid.items():
            enters(source, name, lid=source.payload, may_send=0)
        for vc in range(3):
            enters(visits[vc], "VISIT", lid=visits[vc].payload, may_send=1)
            enters(
                hosts[vc],
                "HOST_PAYLOAD",
                node=hosts[vc].p.node,
                slot=hosts[vc].p.slot,
                vc=vc,
                ieee=dut.cfg_ieee,
                may_send=1,
            )
        enters(
            command,
            Mux(command.p.command.as_value(), Event.HOST_CLOSE.value, Event.HOST_OPEN.value),
            node=command.p.node,
            vc=command.p.vc,
            ieee=dut.cfg_ieee,
            may_send=0,
        )
        enters(
            look,
            Mux(look.p.purge, Event.PURGE.value, Event.LOOK.value),
            lid=look.p.lid,
            tx_id=look.p.id,
            room=look.p.last,
            may_send=0,
        )
        enters(ask, "ASK", lid=ask.p.lid, tx_id=ask.p.id, rx_id=ask.p.first, may_send=0)
        enters(
            replay,
            Mux(
                resends,
                Event.REPLAY.value,
                Mux(replay.p.walk == Walk.SEEK, Event.SEEK.value, Event.WALKED.value),
            ),
            lid=replay.p.lid,
            slot=replay.p.slot,
            rx_id=replay.p.first,
            tx_id=replay.p.last,
            may_send=resends,
        )
        enters(
            rx,
            rx.p.opcode.as_value(),
            rx_slot=rx.p.slot,
            may_send=(rx.p.opcode == Opcode.NACK) & payload,
            **{
                field: rx.p[field]
                for field in ("node", "vc", "ieee", "epoch", "selective", "tx_id", "rx_id", "room")
            },
        )
        h.reach(entered & h.past(entered) & ~control & visits[1].valid)
        h.reach(rx.valid & rx.ready & (rx.p.opcode == Opcode.NACK) & ~payload & visits[0].valid)
        h.reach(hosts[2].valid & hosts[2].ready & command.valid & ask.valid)

    def rooms(self, h, dut, entered, kind, may_send):
        """The pipeline and the two queues behind it; is there room for one more frame in each?"""
        m = h.m
        done, promised = entered, may_send
        may_answer, under_way = ~is_one_of(kind, SILENT), {"control": [], "payload": []}
        for _ in range(3):
            done, kind, promised, may_answer = (
                h.past(value) for value in (done, kind, promised, may_answer)
            )
            under_way["control"].append(done & may_answer)
            under_way["payload"].append(done & promised)
        m.d.comb += [
            dut.i_done.eq(done),
            dut.i_done_event.eq(kind),
            dut.i_done_may_send.eq(promised),
        ]
        h.assume_if(dut.i_done_control, done & may_answer)
        h.assume_if(dut.i_done_payload, done & promised)
        free = []
        for name, depth in (("control", SIZE.control_depth), ("payload", SIZE.payload_depth)):
            pushed = getattr(dut, f"i_done_{name}")
            waiting = Signal(range(depth + 2), name=f"{name}_waiting")
            leaves = h.free(1, f"{name}_leaves")
            h.assume_if(leaves, waiting != 0)
            told = h.past(leaves)  # `o_*_left` comes a clock later
            m.d.comb += getattr(dut, f"i_{name}_left").eq(told)
            m.d.sync += waiting.eq(waiting + pushed - leaves)
            h.check(waiting <= depth)
            used = waiting + told + sum(under_way[name])
            h.check(used <= depth)
            h.check(self.inner[name] == depth - used)
            free.append(used < depth)
        return free
