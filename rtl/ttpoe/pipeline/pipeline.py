"""Q1 read tag, Q2 decide, Q3 commit (protocol section 5.1, claims S4 and S7).

An event enters in every clock, whatever links the events belong to, and leaves Q3 exactly as many
clocks later. Events of one link behave as if one came long after the other: the table and the
directory forward what is still on its way back (`ttpoe.memory.forwarded`).
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..link.fsm import Event, LinkState
from ..link.table import link_row, link_table, tag_layout
from ..memory.protected import ERRORS, report
from ..reorder.directory import ReorderDirectory, directory_index
from ..replay.lists import successor_port
from .q2_decide import Decide
from .records import committed_layout, outcome_layout, pipeline_event_layout
from .victim import VictimChoice

__all__ = ["Pipeline"]

_RETIRES = (Event.RX_ACK, Event.RX_NACK, Event.RX_CLOSE, Event.RX_OPEN)
_TOUCHES = [event for event in Event if event.value <= Event.VISIT.value]


def _flags_layout():
    """The little that is known of both ways of a set when a link looks for a free one."""
    return data.StructLayout({"used": 1, "queued": 1, "purging": 1, "touch": 1})


class Pipeline(wiring.Component):
    """Q1 to Q3 with the link table.

    Members
    -------
    i_event : In(event)
        The event chosen by Q0.
    o_ready : Out(1)
        The table has been swept after reset; before that no event may enter.
    successor : Out(successor_port)
        In Q2 the slot whose successor is needed; in Q3 the successor (`replay.lists`).
    o_done : Out(event of `committed_layout`)
        The event in Q3: valid 3 clocks after `i_event`, so 4 clocks in Q0 to Q3.
    o_may_retire : Out(1)
        An event that may take slots out of a link's window is in Q1: an event that enters from now
        on sees what it did.
    i_inspect : In(stream of lid), o_inspected : Out(event of tag)
        Read-out of a tag, in a clock in which no event enters; the tag comes one clock later, as
        the table holds it (what is on its way back in Q2 and Q3 is not in it). `ready` depends
        on `i_event.valid`.
    i_kept_freed : In(2)
        How many reorder slots became free in this clock.
    i_ask_over : In(1)
        The round of questions for a link's gaps is over (`reorder.ask`).
    i_first_id, i_epoch, o_stepped
        See `link.identity`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    cfg_* : see `engine.Engine`.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_event": In(event_signature(pipeline_event_layout(config))),
                "o_ready": Out(1),
                "successor": Out(successor_port(config)),
                "o_errors": Out(ERRORS),
                "o_done": Out(event_signature(committed_layout(config))),
                "o_may_retire": Out(1),
                "i_inspect": In(stream.Signature(config.lid_bits)),
                "o_inspected": Out(event_signature(tag_layout(config))),
                "i_kept_freed": In(2),
                "i_ask_over": In(1),
                "i_first_id": In(32),
                "i_epoch": In(16),
                "o_stepped": Out(1),
                "cfg_node": In(24),
                "cfg_init_id": In(32),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "cfg_selective": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        tag = tag_layout(config)

        m.submodules.table = self.table = link_table(config)
        m.submodules.decide = self.decide = Decide(config)
        m.submodules.reorder = self.reorder = ReorderDirectory(config)
        m.d.comb += self.o_ready.eq(self.table.o_ready & self.reorder.o_ready)
        report(m, config.protect, self.o_errors, self.table.o_errors, self.reorder.o_errors)

        # Registers at the entrance of each stage, one assignment each: it names them in waveforms.
        event = pipeline_event_layout(config)
        self.q1_valid = Signal()
        self.q2_valid = Signal()
        self.q3_valid = Signal()
        self.q1 = Signal(event)
        self.q2 = Signal(event)
        self.q3 = Signal(event)
        self.q2_row = self.table.o_index
        self.q3_tag = Signal(tag)  # as Q2 left it
        self.q3_written = Signal(tag)  # as it is written: `q3_tag` finished by Q3

        # Known of the event in Q2, and needed by the one in Q1.
        self.q2_missed = Signal()
        self.q2_owns = Signal()
        self.q2_owned_way = Signal()

        self._enter(m)
        self._read(m)
        self._decide(m)
        self._reorder(m)
        self._commit(m)
        return m

    # ---- Q0 -> Q1 ------------------------------------------------------------------------------

    def _enter(self, m):
        config, event = self._config, self.i_event.payload
        row = Signal(config.row_bits)
        inspected, way = Signal(), Signal()
        m.d.comb += [
            row.eq(Mux(event.by_lid, event.lid[1:], link_row(config, event.node, event.vc))),
            # Nor while a tag is written: a read of the same row would be undefined.
            self.i_inspect.ready.eq(self.table.o_ready & ~self.i_event.valid & ~self.table.o_write),
            self.table.i_index.eq(Mux(self.i_event.valid, row, self.i_inspect.payload[1:])),
            self.reorder.i_index.eq(directory_index(config, row, event.tx_id)),
            self.o_inspected.valid.eq(inspected),
            self.o_inspected.payload.eq(Mux(way, self.table.o_read[1], self.table.o_read[0])),
        ]
        m.d.sync += [
            inspected.eq(self.i_inspect.valid & self.i_inspect.ready),
            way.eq(self.i_inspect.payload[0]),
        ]
        m.d.sync += [self.q1_valid.eq(self.i_event.valid), self.q1.eq(event)]

    # ---- Q1: read ------------------------------------------------------------------------------

    def _read(self, m):
        """Find the link's way; the table finds the newest copy of its tag for Q2."""
        event, table = self.q1, self.table
        m.d.comb += self.o_may_retire.eq(self.q1_valid & event.event.as_value().matches(*_RETIRES))

        hits = []
        self.q2_flags = [Signal(_flags_layout(), name=f"q2_flags{way}") for way in range(2)]
        for way in range(2):
            used = table.newest(way, lambda tag: tag.state != LinkState.CLOSED)
            hits.append(
                used
                & table.newest(way, lambda tag: (tag.node == event.node) & (tag.vc == event.vc))
            )
            m.d.sync += [
                self.q2_flags[way].used.eq(used),
                *(
                    self.q2_flags[way][name].eq(table.newest(way, lambda tag: tag[name]))
                    for name in ("queued", "purging", "touch")
                ),
            ]

        self.q2_way, self.q2_self = Signal(), Signal()
        hit, way = Signal(), Signal()
        # The event right in front may be of the same link, though neither is in the table: two
        # frames of a peer that has no link yet are of the same link by their key.
        same_key = (
            ~event.by_lid
            & ~self.q2.by_lid
            & (event.node == self.q2.node)
            & (event.vc == self.q2.vc)
        )
        m.d.comb += [
            hit.eq(event.by_lid | hits[0] | hits[1]),
            way.eq(Mux(event.by_lid, event.lid[0], hits[1])),
            table.i_valid.eq(self.q1_valid),
            table.i_hit.eq(hit),
            table.i_way.eq(way),
            table.i_follows.eq(same_key & self.q2_missed),
            self.reorder.i_valid.eq(self.q1_valid),
        ]
        m.d.sync += [
            self.q2_valid.eq(self.q1_valid),
            self.q2.eq(event),
            self.q2_way.eq(way),
            self.q2_self.eq(event.node == self.cfg_node),
        ]

    # ---- Q2: decide ----------------------------------------------------------------------------

    def _decide(self, m):
        config, decide, event = self._config, self.decide, self.q2
        table, found = self.table, Signal(tag_layout(config))
        m.d.comb += found.eq(table.o_value)

        # Both ways' flags, the event right in front taken into account.
        flags = [Signal(_flags_layout(), name=f"flags{way}") for way in range(2)]
        for way in range(2):
            m.d.comb += flags[way].eq(self.q2_flags[way])
            with m.If(table.o_behind & table.o_write & (table.o_write_way == way)):
                m.d.comb += [
                    flags[way].used.eq(self.q3_written.state != LinkState.CLOSED),
                    *(
                        flags[way][name].eq(self.q3_written[name])
                        for name in ("queued", "purging", "touch")
                    ),
                ]

        full = flags[0].used & flags[1].used
        lid = Cat(self.q2_owned_way, self.q2_row)
        own, other = Signal(_flags_layout()), Signal(_flags_layout())
        m.d.comb += [
            self.q2_missed.eq(~event.by_lid & (found.state == LinkState.CLOSED)),
            self.q2_owned_way.eq(
                Mux(
                    self.q2_missed,
                    flags[0].used,
                    Mux(table.o_from_q3, table.o_write_way, self.q2_way),
                )
            ),
            self.q2_owns.eq(~(self.q2_missed & full)),
            table.i_change.eq(self.q2_valid & self.q2_owns),
            table.i_change_way.eq(self.q2_owned_way),
            own.eq(Mux(self.q2_owned_way, flags[1], flags[0])),
            other.eq(Mux(self.q2_owned_way, flags[0], flags[1])),
            decide.i_tag.eq(found),
            decide.i_event.eq(event),
            decide.i_full.eq(self.q2_missed & full),
            decide.i_self.eq(self.q2_self),
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
                )
            ),
            decide.i_lid.eq(lid),
            self.o_stepped.eq(self.q2_valid & decide.o_outcome.stepped),
            # A visit passes a slot that lags behind, or sends the current one; all else that
            # follows the list starts at its head.
            self.successor.en.eq(1),
            self.successor.addr.eq(
                Mux(
                    (event.event == Event.VISIT)
                    & (found.current != 0)
                    & ((found.lag == 0) | decide.i_walking),
                    found.next,
                    found.head,
                )
            ),
        ]
        with m.If(self.q2_missed):
            m.d.comb += [decide.i_tag.queued.eq(own.queued), decide.i_tag.purging.eq(own.purging)]

        self.q3_lid = Signal(config.lid_bits)
        self.q3_outcome = Signal(outcome_layout(config))
        self.q3_node = Signal(24)
        self.q3_vc = Signal(2)
        self.q3_head = Signal(config.slot_bits)
        self.q3_tail = Signal(config.slot_bits)
        self.q3_passed = Signal(config.slot_bits)
        self.q3_victim = Signal(config.lid_bits)
        self.q3_evicts = Signal()
        m.d.sync += [
            self.q3_valid.eq(self.q2_valid),
            self.q3.eq(event),
            self.q3_lid.eq(lid),
            self.q3_outcome.eq(decide.o_outcome),
            self.q3_tag.eq(decide.o_tag),
            self.q3_node.eq(Mux(event.by_lid, found.node, event.node)),
            self.q3_vc.eq(Mux(event.by_lid, found.vc, event.vc)),
            self.q3_head.eq(found.head),
            self.q3_tail.eq(found.tail),
            self.q3_passed.eq(self.successor.addr),
        ]
        touches = event.event.as_value().matches(*_TOUCHES)
        with m.If(touches):
            m.d.sync += self.q3_tag.touch.eq(other.touch ^ self.q2_owned_way)
        with m.Elif(self.q2_missed):
            m.d.sync += self.q3_tag.touch.eq(own.touch)
        # What the sweep writes. (A reset of the flip-flops; a mask in front of the memory would
        # cost a LUT for each bit.)
        with m.If(~self.table.o_ready):
            m.d.sync += [self.q3_tag.eq(0), self.q3_outcome.eq(0), self.q3.eq(0)]
        self._choose_victim(m, flags)

    def _choose_victim(self, m, flags):
        m.submodules.victim = victim = VictimChoice(self._config)
        m.d.comb += [
            victim.i_wanted.eq(self.decide.o_outcome.evicts & ~self.q2_owns),
            victim.i_row.eq(self.q2_row),
            *(victim.i_tags[way].eq(self.table.o_stored[way]) for way in range(2)),
            *(victim.i_touch[way].eq(flags[way].touch) for way in range(2)),
        ]
        m.d.sync += [self.q3_evicts.eq(victim.o_valid), self.q3_victim.eq(victim.o_lid)]

    def _reorder(self, m):
        """What of selective replay belongs to no link alone, kept in step with Q2."""
        config, decide, event, outcome = (self._config, self.decide, self.q2, self.decide.o_outcome)
        free = Signal(range(config.reorder_slots + 1), init=config.reorder_slots)
        asking = Signal()
        walked_lid, walked = Signal(config.lid_bits), Signal()  # whose list is walked along
        self.q3_kept_slot = Signal(config.rx_slot_bits)
        m.d.comb += [
            decide.i_kept.eq(self.reorder.o_kept),
            decide.i_reorder_free.eq(free != 0),
            decide.i_asking.eq(asking),
            decide.i_walking.eq(walked & (walked_lid == decide.i_lid)),
            self.reorder.i_change.eq(self.q2_valid & (outcome.keeps | outcome.unkeeps)),
            self.reorder.i_kept.valid.eq(outcome.keeps),
            self.reorder.i_kept.lid.eq(decide.i_lid),
            self.reorder.i_kept.slot.eq(event.rx_slot),
        ]
        m.d.sync += [
            self.q3_kept_slot.eq(self.reorder.o_kept.slot),
            free.eq(free - (self.q2_valid & outcome.keeps) + self.i_kept_freed),
        ]
        with m.If(self.q2_valid & outcome.asks):
            m.d.sync += asking.eq(1)
        with m.Elif(self.i_ask_over):
            m.d.sync += asking.eq(0)
        with m.If(self.q2_valid & outcome.starts_walk):
            m.d.sync += [walked.eq(1), walked_lid.eq(decide.i_lid)]
        with m.Elif(
            self.q2_valid & ((event.event == Event.WALKED) | (outcome.free_all & decide.i_walking))
        ):
            m.d.sync += walked.eq(0)

    # ---- Q3: commit ----------------------------------------------------------------------------

    def _commit(self, m):
        outcome, done = self.q3_outcome, self.o_done.payload
        tag, table = self.q3_written, self.table
        data_state = (
            (tag.state == LinkState.OPEN)
            | (tag.state == LinkState.CLOSE_SENT)
            | (tag.state == LinkState.CLOSE_RECD)
        )
        # Nothing is freed, nor the oldest sent, while somebody walks along the list: the WALKED
        # event looks again.
        lag = tag.lag != 0
        wants_visit = (
            (lag & ~outcome.walking)
            | (tag.close_due & data_state & (tag.state != LinkState.CLOSE_RECD))
            | ((tag.current != tag.alloc) & ~tag.held & data_state & ~(lag & (tag.current == 0)))
        )
        visited = self.q3.event == Event.VISIT
        m.d.comb += [
            tag.eq(self.q3_tag),
            tag.queued.eq(wants_visit | (self.q3_tag.queued & ~visited)),
            done.push.eq(table.o_write & wants_visit & (visited | ~self.q3_tag.queued)),
        ]
        with m.If(outcome.pop):
            m.d.comb += tag.head.eq(self.successor.data)
        with m.If((visited & outcome.sends) | (outcome.resends & ~tag.selective)):
            m.d.comb += tag.next.eq(self.successor.data)
        m.d.comb += [
            table.i_value.eq(tag),
            self.o_done.valid.eq(self.q3_valid),
            self.successor.used.eq(self.q3_valid),
            done.event.eq(self.q3),
            done.outcome.eq(outcome),
            done.tag.eq(tag),
            done.lid.eq(self.q3_lid),
            done.node.eq(self.q3_node),
            done.vc.eq(self.q3_vc),
            done.old_head.eq(self.q3_head),
            done.old_tail.eq(self.q3_tail),
            done.sent_slot.eq(Mux(visited | outcome.resends, self.q3_passed, self.q3.slot)),
            done.kept_slot.eq(self.q3_kept_slot),
            done.victim_valid.eq(self.q3_valid & self.q3_evicts),
            done.victim.eq(self.q3_victim),
        ]
