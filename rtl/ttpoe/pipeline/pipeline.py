"""Q0's door to Q3: the interlock, Q1 read tag, Q2 decide, Q3 commit (protocol section 5.1, claims
S4 and S7).

An event enters in every clock, and leaves Q3 a fixed number of clocks later. Events of one set of
the link table, or of one place of the directory of kept packets, keep a distance
(`pipeline.interlock`): so each finds what all older ones left, and behaves as if it came long after
them. `docs/design/architecture.md` lists the clocks.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.fsm import Event, LinkState
from ..link.table import LinkTable, tag_layout
from ..memory.protected import ERRORS, report
from ..reorder.directory import ReorderDirectory
from ..replay.lists import successor_port
from ..replay.retirer import RUN, RUN_BITS
from .interlock import Interlock
from .q1_read import ReadTag
from .q2_decide import Decide
from .records import committed_layout, entry_layout, outcome_layout, pipeline_event_layout

__all__ = ["Pipeline"]

_RETIRES = (Event.RX_ACK, Event.RX_NACK, Event.RX_CLOSE, Event.RX_OPEN)
_TOUCHES = [event for event in Event if event.value <= Event.VISIT.value]
_PAUSE = 5
"""While a tag is to be read out the door pauses in one clock of these: from the clock in which an
event's tag is read to the one in which it is written are as many."""


class Pipeline(wiring.Component):
    """The interlock, and Q1 to Q3 with the link table.

    Members
    -------
    i_event : In(stream of entry)
        The event chosen by Q0. None may enter before `o_ready`.
    o_aside : Out(event of row)
        See `pipeline.interlock`.
    o_ready : Out(1)
        The table and the directory have been swept after reset.
    successor : Out(successor_port)
        In Q2's second clock the slot whose successor is needed; in the third the successor
        (`replay.lists`).
    o_done : Out(event of `committed_layout`)
        The event in Q3, from registers and a few LUTs.
    o_may_retire : Out(1)
        An event that may take slots out of a link's window has entered: one that is offered from
        now on sees what it did.
    i_inspect : In(stream of lid), o_inspected : Out(event of tag)
        Read-out of a tag, in a clock in which no event wants one and none is written: while one is
        asked for, the interlock's door pauses in one clock of five, so that such clocks come. The
        tag comes one clock later, as the table holds it (what is on its way back is not in it).
    i_kept_freed : In(2)
        How many reorder slots became free in this clock.
    i_hopped : In(1)
        See `replay.replayer`, `o_hopped`.
    i_retiring : In(event of lid)
        See `replay.retirer`, `o_walks`.
    o_cut : Out(1)
        The list that the retirer walks along was freed meanwhile: what it passes are not that
        link's slots any more. High until its RETIRE, from the clock before the list is freed.
    i_ask_over : In(1)
        The round of questions for a link's gaps is over (`reorder.ask`).
    i_first_id, i_epoch, o_stepped
        See `link.identity`; of the event in Q2's third clock.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    o_row : Out(row_bits), i_free : In(ways)
        Row of the event that enters, and two clocks later which of its two links may send at once.
    i_slow, i_coin, i_crowded : In(1)
        See `congestion.control`.
    cfg_* : see `engine.Engine`.

    Timing: an event that finds nothing of its set or place ahead of it is in `o_done` 8 clocks
    after it was taken: one at the door, three in Q1, three in Q2.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_event": In(stream.Signature(entry_layout(config))),
                "o_aside": Out(event_signature(config.row_bits)),
                "o_ready": Out(1),
                "successor": Out(successor_port(config)),
                "o_errors": Out(ERRORS),
                "o_done": Out(event_signature(committed_layout(config))),
                "o_may_retire": Out(1),
                "i_inspect": In(stream.Signature(config.lid_bits)),
                "o_inspected": Out(event_signature(tag_layout(config))),
                "i_kept_freed": In(2),
                "i_ask_over": In(1),
                "i_retiring": In(event_signature(config.lid_bits)),
                "i_hopped": In(1),
                "o_cut": Out(1),
                "i_first_id": In(32),
                "i_epoch": In(16),
                "o_stepped": Out(1),
                "cfg_node": In(24),
                "cfg_init_id": In(32),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "cfg_selective": In(1),
                "cfg_congestion": In(1),
                "o_row": Out(config.row_bits),
                "i_free": In(config.WAYS),
                "i_slow": In(1),
                "i_coin": In(1),
                "i_crowded": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.interlock = self.interlock = Interlock(config)
        m.submodules.table = self.table = LinkTable(config)
        m.submodules.read = self.read = ReadTag(config)
        m.submodules.decide = self.decide = Decide(config, registered=True)
        m.submodules.reorder = self.reorder = ReorderDirectory(config)
        m.d.comb += self.o_ready.eq(self.table.o_ready & self.reorder.o_ready)
        if config.protect != "none":
            blocks = (self.table, self.read, self.reorder)
            report(m, config.protect, self.o_errors, *(block.o_errors for block in blocks))

        # Registers at the entrance of each stage, one assignment each: it names them in waveforms.
        event = pipeline_event_layout(config)
        self.q1_valid, self.q1 = Signal(), Signal(event)
        self.q2_valid, self.q2 = Signal(), Signal(event)  # Q2's first clock
        self.q2b_valid, self.q2c_valid = Signal(), Signal()
        self.q3_valid, self.q3 = Signal(), Signal(event)
        self.q3_tag = Signal(tag_layout(config))  # as Q2 left it
        self.q3_written = Signal(tag_layout(config))  # as it is written: finished by Q3
        self.q3_follower = Signal(config.slot_bits)  # the slot behind `q3_passed`

        self._enter(m)
        self._inspect(m)
        self._read(m)
        self._decide(m)
        self._reorder(m)
        self._commit(m)
        return m

    # ---- Q0 -> Q1 ------------------------------------------------------------------------------

    def _enter(self, m):
        interlock, table = self.interlock, self.table
        wiring.connect(m, wiring.flipped(self.i_event), interlock.i_event)
        wiring.connect(m, interlock.o_aside, wiring.flipped(self.o_aside))
        entered = interlock.o_event.payload
        q1_row, q1_uses_place = Signal(self._config.row_bits), Signal()
        m.d.comb += [
            table.i_index.eq(entered.row),
            self.o_row.eq(entered.row),
            self.reorder.i_index.eq(entered.place),
            self.reorder.i_valid.eq(self.q1_valid & q1_uses_place),
            table.i_valid.eq(self.q1_valid),
            self.read.i_event.valid.eq(self.q1_valid),
            self.read.i_event.payload.eq(self.q1),
            self.read.i_row.eq(q1_row),
            self.o_may_retire.eq(self.q1_valid & self.q1.event.as_value().matches(*_RETIRES)),
        ]
        m.d.sync += [
            self.q1_valid.eq(interlock.o_event.valid),
            self.q1.eq(entered.event),
            q1_row.eq(entered.row),
            q1_uses_place.eq(entered.uses_place),
        ]

    # ---- Q1: read ------------------------------------------------------------------------------

    def _inspect(self, m):
        """The read-out: a tag is read for nobody's event."""
        ask, table, wanted = self.i_inspect, self.table, self.read.o_row
        # A pause that comes to the tags' read meets, in Q3, the one that came five clocks before.
        clocks = Signal(range(_PAUSE))
        inspected, way = Signal(), Signal()
        m.d.comb += [
            self.interlock.i_pause.eq(clocks == _PAUSE - 1),
            # Not while a tag is written: a read of the same row would be undefined.
            ask.ready.eq(table.o_ready & ~wanted.valid & ~table.i_change),
            table.i_row.eq(Mux(ask.valid & ask.ready, ask.payload[1:], wanted.payload)),
            self.o_inspected.valid.eq(inspected),
        ]
        if self._config.protect == "none":
            m.d.comb += self.o_inspected.payload.eq(Mux(way, table.o_tags[1], table.o_tags[0]))
        else:
            m.d.comb += self.o_inspected.payload.eq(self.read.o_shown)
            m.d.comb += self.read.i_show_way.eq(way)
        m.d.sync += [
            clocks.eq(Mux(ask.valid & (clocks != _PAUSE - 1), clocks + 1, 0)),
            inspected.eq(ask.valid & ask.ready),
            way.eq(ask.payload[0]),
        ]

    def _read(self, m):
        read = self.read
        # Whether it is our own node is known early, and needed in Q2.
        own = [Signal(name=f"own_node{clock}") for clock in range(3)]
        m.d.comb += [
            *(read.i_keys[way].eq(self.table.o_keys[way]) for way in range(2)),
            *(read.i_tags[way].eq(self.table.o_tags[way]) for way in range(2)),
            read.i_free.eq(self.i_free),
            self.q2_valid.eq(read.o_found.valid),
            self.q2.eq(read.o_found.payload.event),
            self.decide.i_self.eq(own[-1]),
        ]
        m.d.sync += [
            own[0].eq(self.q1.node == self.cfg_node),
            *(after.eq(before) for before, after in zip(own, own[1:])),
        ]

    # ---- Q2: decide ----------------------------------------------------------------------------

    def _decide(self, m):
        decide, found = self.decide, self.read.o_found.payload
        lid = Cat(found.way, found.row)
        m.d.comb += [
            decide.i_event.eq(found.event),
            decide.i_tag.eq(found.tag),
            decide.i_full.eq(found.full),
            decide.i_free.eq(found.free),
            decide.i_slow.eq(self.i_slow),
            decide.i_coin.eq(self.i_coin),
            decide.i_crowded.eq(self.i_crowded),
            decide.i_lid.eq(lid),
            decide.i_first_id.eq(self.i_first_id),
            decide.i_epoch.eq(self.i_epoch),
            *(
                getattr(decide, name).eq(getattr(self, name))
                for name in (
                    "cfg_init_id",
                    "cfg_max_retry",
                    "cfg_idle_limit",
                    "cfg_link_slots",
                    "cfg_selective",
                    "cfg_congestion",
                )
            ),
            self.o_stepped.eq(self.q2c_valid & decide.o_outcome.stepped),
        ]
        m.d.sync += [self.q2b_valid.eq(self.q2_valid), self.q2c_valid.eq(self.q2b_valid)]

        # What goes round Q2, from its first clock to Q3.
        def along(value, name):
            later = [Signal(len(value), name=f"{name}_{stage}") for stage in ("q2b", "q2c")]
            m.d.sync += [later[0].eq(value), later[1].eq(later[0])]
            return later[1]

        self.q2c_lid = q2c_lid = along(lid, "lid")
        missed, full = along(found.missed, "missed"), along(found.full, "full")
        own_touch, other_touch = (
            along(found.own_touch, "own_touch"),
            along(found.other_touch, "other_touch"),
        )
        victim = along(Cat(found.victim_valid, found.victim_way), "victim")
        self._follow(m, found)

        event, tag, out = decide.event_c, decide.tag_c, decide.o_outcome
        self.q3_lid = Signal(self._config.lid_bits)
        self.q3_outcome = Signal(outcome_layout(self._config))
        self.q3_node = Signal(24)
        self.q3_vc = Signal(2)
        self.q3_head = Signal(self._config.slot_bits)
        self.q3_tail = Signal(self._config.slot_bits)
        self.q3_evicts, self.q3_victim = Signal(), Signal(self._config.lid_bits)
        self.q3_owns = Signal()  # it has a place in the table
        m.d.sync += [
            self.q3_valid.eq(self.q2c_valid),
            self.q3.eq(event),
            self.q3_lid.eq(q2c_lid),
            self.q3_owns.eq(self.q2c_valid & ~full),
            self.q3_outcome.eq(out),
            self.q3_tag.eq(decide.o_tag),
            self.q3_node.eq(Mux(event.by_lid, tag.node, event.node)),
            self.q3_vc.eq(Mux(event.by_lid, tag.vc, event.vc)),
            self.q3_head.eq(tag.head),
            self.q3_tail.eq(tag.tail),
            self.q3_evicts.eq(out.evicts & full & victim[0]),
            self.q3_victim.eq(Cat(victim[1], q2c_lid[1:])),
        ]
        touches = event.event.as_value().matches(*_TOUCHES)
        with m.If(touches):
            m.d.sync += self.q3_tag.touch.eq(other_touch ^ q2c_lid[0])
        with m.Elif(missed):
            m.d.sync += self.q3_tag.touch.eq(own_touch)
        # What the sweep writes. (A reset of the flip-flops; a mask in front of the memory would
        # cost a LUT for each bit.)
        with m.If(~self.table.o_ready):
            m.d.sync += [self.q3_tag.eq(0), self.q3_outcome.eq(0), self.q3.eq(0)]

    def _follow(self, m, found):
        """Which slot follows in the list: asked in Q2's second clock, at hand in Q3."""
        decide, tag = self.decide, found.tag
        takes_next = Signal()
        q2c_passed = Signal(self._config.slot_bits)
        self.q3_passed = Signal(self._config.slot_bits)
        # A visit passes a slot that lags behind, or sends the current one; a payload of the host
        # may send that, too. A RETIRE follows the last slot of its run. All else starts at the head.
        walking = decide.i_stands | decide.i_retiring
        retires = (found.event.event == Event.VISIT) & (tag.lag != 0) & ~walking
        m.d.sync += [
            takes_next.eq(
                found.event.event.as_value().matches(Event.VISIT, Event.HOST_PAYLOAD)
                & (tag.current != 0)
                & ~retires
            ),
            q2c_passed.eq(self.successor.addr),
            self.q3_passed.eq(q2c_passed),
            self.q3_follower.eq(self.successor.data),
        ]
        m.d.comb += [
            self.successor.en.eq(1),
            self.successor.addr.eq(
                Mux(
                    decide.event_b.event == Event.RETIRE,
                    decide.event_b.retire.slot,
                    Mux(takes_next, decide.tag_b.next, decide.tag_b.head),
                )
            ),
            self.successor.used.eq(self.q2c_valid),
        ]

    def _reorder(self, m):
        """What of selective replay belongs to no link alone, kept in step with Q2."""
        config, decide, outcome = self._config, self.decide, self.decide.o_outcome
        valid, event, lid = self.q2c_valid, decide.event_c, self.q2c_lid
        # Free reorder slots, those not counted that the event in Q2's third clock keeps.
        free = Signal(range(config.reorder_slots + 1), init=config.reorder_slots)
        some, one = Signal(init=1), Signal()
        keeps = valid & outcome.keeps
        free_next = Signal.like(free)
        asking = Signal()
        walked_lid, walked = Signal(config.lid_bits), Signal()  # whose list is walked along
        # Slots from the head of that list to where the walk stands: they may be freed meanwhile.
        passed, passed_next = Signal(config.count_bits), Signal(config.count_bits)
        passed_one, passed_run = Signal(), Signal()
        done = self.q3_outcome
        freed = Mux(done.run, self.q3.retire.count[:RUN_BITS], done.pop)
        m.d.comb += passed_next.eq(
            passed + self.i_hopped - Mux(self.q3_valid & (walked_lid == self.q3_lid), freed, 0)
        )
        m.d.sync += [
            passed.eq(Mux(walked, passed_next, 0)),
            passed_one.eq(walked & (passed_next != 0)),
            passed_run.eq(walked & (passed_next >= RUN)),
        ]
        cut = Signal()  # the list that the retirer walks along was freed meanwhile
        slots = [Signal(config.rx_slot_bits, name=f"kept_slot_{n}") for n in ("q2b", "q2c", "q3")]
        self.q3_kept_slot = slots[-1]
        m.d.comb += [
            free_next.eq(free - keeps + self.i_kept_freed),
            decide.i_kept.eq(self.reorder.o_kept),
            decide.i_reorder_free.eq(some & ~(one & keeps)),
            decide.i_asking.eq(asking),
            decide.i_walking.eq(walked & (walked_lid == decide.i_lid)),
            decide.i_stands.eq(decide.i_walking & ~passed_one),
            decide.i_stands_near.eq(decide.i_walking & ~passed_run),
            decide.i_retiring.eq(
                self.i_retiring.valid & ~cut & (self.i_retiring.payload == decide.i_lid)
            ),
            self.reorder.i_change.eq(
                self.q3_valid & (self.q3_outcome.keeps | self.q3_outcome.unkeeps)
            ),
            self.reorder.i_kept.valid.eq(self.q3_outcome.keeps),
            self.reorder.i_kept.lid.eq(self.q3_lid),
            self.reorder.i_kept.slot.eq(self.q3.rx_slot),
        ]
        m.d.sync += [
            free.eq(free_next),
            some.eq(free_next != 0),
            one.eq(free_next == 1),
            slots[0].eq(self.reorder.o_kept.slot),
            *(after.eq(before) for before, after in zip(slots, slots[1:])),
        ]
        with m.If(~self.reorder.o_ready):
            m.d.comb += self.reorder.i_kept.eq(0)
        with m.If(valid & outcome.asks):
            m.d.sync += asking.eq(1)
        with m.Elif(self.i_ask_over):
            m.d.sync += asking.eq(0)
        with m.If(valid & outcome.starts_walk):
            m.d.sync += [walked.eq(1), walked_lid.eq(lid)]
        with m.Elif(
            valid
            & ((event.event == Event.WALKED) | (outcome.free_all & walked & (walked_lid == lid)))
        ):
            m.d.sync += walked.eq(0)
        # Where the round of questions stands. ASKs of it follow each other as events of one link.
        run, before_run = Signal(), Signal(32)  # the last ID was missing; the ID in front of those
        asked, q3_asked = valid & (event.event == Event.ASK), self.q3.event == Event.ASK
        self.before_run = before_run
        m.d.comb += decide.i_run.eq(run)
        with m.If(asked):
            m.d.sync += run.eq(outcome.asks_on & ~outcome.hit)
        with m.Elif(valid & outcome.asks):
            m.d.sync += run.eq(0)
        with m.If(self.q3_valid & q3_asked & self.q3_outcome.hit):
            m.d.sync += before_run.eq(self.q3.ask.id)
        with m.Elif(self.q3_valid & self.q3_outcome.asks):
            m.d.sync += before_run.eq(self.q3_tag.received)
        m.d.comb += self.o_cut.eq(cut)
        with m.If(valid & (event.event == Event.RETIRE)):
            m.d.sync += cut.eq(0)
        with m.Elif(
            valid & outcome.free_all & self.i_retiring.valid & (self.i_retiring.payload == lid)
        ):
            m.d.sync += cut.eq(1)

    # ---- Q3: commit ----------------------------------------------------------------------------

    def _commit(self, m):
        outcome, done = self.q3_outcome, self.o_done.payload
        tag, table = self.q3_written, self.table
        data_state = (
            (tag.state == LinkState.OPEN)
            | (tag.state == LinkState.CLOSE_SENT)
            | (tag.state == LinkState.CLOSE_RECD)
        )
        # No visit is wanted for slots that may not be freed one by one (the retirer walks along
        # them, or a walk has not passed the first one), nor for an oldest packet behind such
        # slots: RETIRE or WALKED looks again.
        lag = tag.lag != 0
        goes_on = tag.lag[1:].any() & (self.q3.event == Event.RETIRE)  # the retirer, at once
        wants_visit = (
            (lag & ~outcome.walking & ~goes_on)
            | (tag.close_due & data_state & (tag.state != LinkState.CLOSE_RECD))
            | ((tag.current != tag.alloc) & ~tag.held & data_state & ~(lag & (tag.current == 0)))
        )
        visited = self.q3.event == Event.VISIT
        m.d.comb += [
            tag.eq(self.q3_tag),
            tag.queued.eq(wants_visit | (self.q3_tag.queued & ~visited)),
            done.push.eq(self.q3_owns & wants_visit & (visited | ~self.q3_tag.queued)),
        ]
        with m.If(outcome.pop):
            m.d.comb += tag.head.eq(self.q3_follower)
        with m.If(outcome.follows):
            m.d.comb += tag.next.eq(self.q3_follower)
        m.d.comb += [
            table.i_change.eq(self.q3_owns),
            table.i_change_row.eq(self.q3_lid[1:]),
            table.i_change_way.eq(self.q3_lid[0]),
            table.i_value.eq(tag),
            self.o_done.valid.eq(self.q3_valid),
            done.event.eq(self.q3),
            done.outcome.eq(outcome),
            done.tag.eq(tag),
            done.lid.eq(self.q3_lid),
            done.owns.eq(self.q3_owns),
            done.node.eq(self.q3_node),
            done.vc.eq(self.q3_vc),
            done.old_head.eq(self.q3_head),
            done.old_tail.eq(self.q3_tail),
            done.sent_slot.eq(Mux(outcome.passes | outcome.resends, self.q3_passed, self.q3.slot)),
            done.kept_slot.eq(self.q3_kept_slot),
            done.victim_valid.eq(self.q3_valid & self.q3_evicts),
            done.victim.eq(self.q3_victim),
            done.before_run.eq(self.before_run),
        ]
