"""Q1 read tag, Q2 decide, Q3 commit (protocol section 5.1, claims S4 and S7).

An event enters in every clock, whatever links the events belong to, and leaves Q3 exactly as many
clocks later. Events of one link behave as if one came long after the other: a tag that is still on
its way back to the table is taken from where it is.

Where the newest copy of a tag may be when its event is in Q2:

    older by 1 event    in Q3, being written
    older by 2          written one clock ago, after this event's read: kept in `q4`
    older by 3          written in the same clock as this event's read: kept in `q5`
    older by more       read from the table in Q1

"One event later" counts clocks: an older event exists only if one entered in that clock.
"""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, report
from .q2_decide import Decide
from ..link.fsm import Event, LinkState
from .records import outcome_layout, pipeline_event_layout
from ..reorder.directory import ReorderDirectory, directory_index
from ..link.table import LinkTable, link_row, tag_layout

__all__ = ["Pipeline", "committed_layout"]

_RETIRES = (Event.RX_ACK, Event.RX_NACK, Event.RX_CLOSE)
_TOUCHES = [event for event in Event if event.value <= Event.VISIT.value]


def committed_layout(config):
    """An event at the end of Q3: everything that the other blocks carry out."""
    return data.StructLayout({
        "event": pipeline_event_layout(config),
        "outcome": outcome_layout(config),
        "tag": tag_layout(config),      # as it is written back
        "lid": config.lid_bits,
        "node": 24,
        "vc": 2,
        "old_head": config.slot_bits,   # ends of the list before the event
        "old_tail": config.slot_bits,
        "sent_slot": config.slot_bits,  # slot of the PAYLOAD that is sent
        "kept_slot": config.rx_slot_bits,   # receive slot of the event's ID, if that is kept
        "push": 1,                      # the link joins its ready queue
        "victim_valid": 1,
        "victim": config.lid_bits,
    })


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
    o_next_slot : Out(slot), i_next : In(slot)
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
    o_next_used : Out(1)
        There is an event in Q3, which may use `i_next`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    cfg_* : see `engine.Engine`.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "i_event": In(event_signature(pipeline_event_layout(config))),
            "o_ready": Out(1),
            "o_next_slot": Out(config.slot_bits),
            "i_next": In(config.slot_bits),
            "o_next_used": Out(1),
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
            "cfg_init_id": In(32),
            "cfg_max_retry": In(10),
            "cfg_idle_limit": In(10),
            "cfg_link_slots": In(config.count_bits),
            "cfg_selective": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        tag = tag_layout(config)

        m.submodules.table = self.table = LinkTable(config)
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
        self.q1_row = Signal(config.row_bits)
        self.q2_row = Signal(config.row_bits)
        # Tags on their way back, and where they belong.
        place = data.StructLayout({"live": 1, "row": config.row_bits, "way": 1, "tag": tag})
        self.q3_tag = Signal(tag)           # as Q2 left it
        self.q3_place = Signal(place)       # as it is written: `q3_tag` finished by Q3
        self.q4 = Signal(place)
        self.q5 = Signal(place)
        m.d.sync += [self.q4.eq(self.q3_place), self.q5.eq(self.q4)]

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
            self.i_inspect.ready.eq(self.table.o_ready & ~self.i_event.valid
                                    & ~self.q3_place.live),
            self.table.i_row.eq(Mux(self.i_event.valid, row, self.i_inspect.payload[1:])),
            self.reorder.i_index.eq(directory_index(config, row, event.tx_id)),
            self.o_inspected.valid.eq(inspected),
            self.o_inspected.payload.eq(Mux(way, self.table.o_tags[1], self.table.o_tags[0])),
        ]
        m.d.sync += [inspected.eq(self.i_inspect.valid & self.i_inspect.ready),
                     way.eq(self.i_inspect.payload[0])]
        m.d.sync += [self.q1_valid.eq(self.i_event.valid), self.q1.eq(event),
                     self.q1_row.eq(row)]

    # ---- Q1: read ------------------------------------------------------------------------------

    def _read(self, m):
        """Find the link's way, and where the newest copy of its tag will be in Q2."""
        event, row = self.q1, self.q1_row
        m.d.comb += self.o_may_retire.eq(
            self.q1_valid & event.event.as_value().matches(*_RETIRES))

        def is_key(tag):
            return (tag.node == event.node) & (tag.vc == event.vc)

        hits, in_q3, in_q4 = [], [], []
        self.q2_flags = [Signal(_flags_layout(), name=f"q2_flags{way}") for way in range(2)]
        for way in range(2):
            read = self.table.o_tags[way]
            from_q3, from_q4 = Signal(name=f"from_q3_{way}"), Signal(name=f"from_q4_{way}")
            m.d.comb += [
                from_q3.eq(self.q3_place.live & (self.q3_place.row == row)
                           & (self.q3_place.way == way)),
                from_q4.eq(self.q4.live & (self.q4.row == row) & (self.q4.way == way)),
            ]

            def newest(of):
                return Mux(from_q3, of(self.q3_place.tag), Mux(from_q4, of(self.q4.tag), of(read)))

            used = newest(lambda tag: tag.state != LinkState.CLOSED)
            m.d.comb += self.table.i_used[way].eq(self.q1_valid & ~from_q3 & ~from_q4)
            hits.append(used & newest(is_key))
            in_q3.append(from_q3)
            in_q4.append(from_q4)
            m.d.sync += [
                self.q2_flags[way].used.eq(used),
                self.q2_flags[way].queued.eq(newest(lambda tag: tag.queued)),
                self.q2_flags[way].purging.eq(newest(lambda tag: tag.purging)),
                self.q2_flags[way].touch.eq(newest(lambda tag: tag.touch)),
            ]

        hit, way = Signal(), Signal()
        m.d.comb += [hit.eq(event.by_lid | hits[0] | hits[1]),
                     way.eq(Mux(event.by_lid, event.lid[0], hits[1]))]

        # The event right in front may be of the same link: then its outcome is this one's tag.
        # Two frames of a peer that has no link yet are of the same link by their key.
        same_row = self.q2_valid & (self.q2_row == row)
        same_key = (~event.by_lid & ~self.q2.by_lid & (event.node == self.q2.node)
                    & (event.vc == self.q2.vc))
        follows = Signal()
        m.d.comb += follows.eq(same_row & self.q2_owns
                               & ((hit & (way == self.q2_owned_way))
                                  | (same_key & self.q2_missed)))

        self.use_q3 = Signal()
        self.use_q4 = Signal()
        self.use_q5 = Signal()
        self.use_read = [Signal(name=f"use_read{way}") for way in range(2)]
        self.q2_read = [Signal(tag_layout(self._config), name=f"q2_read{way}") for way in range(2)]
        self.q2_way = Signal()
        self.q2_after_same_row = Signal()
        q3_has, q4_has = Array(in_q3)[way], Array(in_q4)[way]
        alone = hit & ~follows
        m.d.sync += [
            self.q2_valid.eq(self.q1_valid), self.q2.eq(event), self.q2_row.eq(row),
            self.q2_way.eq(way),
            self.q2_after_same_row.eq(same_row),
            self.use_q3.eq(follows),
            self.use_q4.eq(alone & q3_has),
            self.use_q5.eq(alone & ~q3_has & q4_has),
            *(self.use_read[w].eq(alone & ~q3_has & ~q4_has & (way == w)) for w in range(2)),
            *(self.q2_read[w].eq(self.table.o_tags[w]) for w in range(2)),
        ]

    # ---- Q2: decide ----------------------------------------------------------------------------

    def _decide(self, m):
        config, decide, event = self._config, self.decide, self.q2
        tag_bits = len(self.q3_tag.as_value())
        copies = [(self.use_q3, self.q3_place.tag), (self.use_q4, self.q4.tag),
                  (self.use_q5, self.q5.tag), *zip(self.use_read, self.q2_read)]
        found = Signal(tag_layout(config))
        chosen = 0
        for use, copy in copies:
            chosen |= copy.as_value() & use.replicate(tag_bits)
        m.d.comb += found.eq(chosen)

        # Both ways' flags, the event right in front taken into account.
        flags = [Signal(_flags_layout(), name=f"flags{way}") for way in range(2)]
        for way in range(2):
            m.d.comb += flags[way].eq(self.q2_flags[way])
            with m.If(self.q2_after_same_row & self.q3_place.live & (self.q3_place.way == way)):
                m.d.comb += [
                    flags[way].used.eq(self.q3_place.tag.state != LinkState.CLOSED),
                    flags[way].queued.eq(self.q3_place.tag.queued),
                    flags[way].purging.eq(self.q3_place.tag.purging),
                    flags[way].touch.eq(self.q3_place.tag.touch),
                ]

        full = flags[0].used & flags[1].used
        lid = Cat(self.q2_owned_way, self.q2_row)
        own, other = Signal(_flags_layout()), Signal(_flags_layout())
        m.d.comb += [
            self.q2_missed.eq(~event.by_lid & (found.state == LinkState.CLOSED)),
            self.q2_owned_way.eq(Mux(self.q2_missed, flags[0].used,
                                     Mux(self.use_q3, self.q3_place.way, self.q2_way))),
            self.q2_owns.eq(~(self.q2_missed & full)),
            own.eq(Mux(self.q2_owned_way, flags[1], flags[0])),
            other.eq(Mux(self.q2_owned_way, flags[0], flags[1])),
            decide.i_tag.eq(found),
            decide.i_event.eq(event),
            decide.i_full.eq(self.q2_missed & full),
            decide.i_first_id.eq(self.i_first_id),
            decide.i_epoch.eq(self.i_epoch),
            *(getattr(decide, name).eq(getattr(self, name)) for name in
              ("cfg_init_id", "cfg_max_retry", "cfg_idle_limit", "cfg_link_slots",
               "cfg_selective")),
            decide.i_lid.eq(lid),
            self.o_stepped.eq(self.q2_valid & decide.o_outcome.stepped),
            # A visit passes a slot that lags behind, or sends the current one; all else that
            # follows the list starts at its head.
            self.o_next_slot.eq(Mux(
                (event.event == Event.VISIT) & (found.current != 0)
                & ((found.lag == 0) | decide.i_walking), found.next, found.head)),
        ]
        with m.If(self.q2_missed):
            m.d.comb += [decide.i_tag.queued.eq(own.queued),
                         decide.i_tag.purging.eq(own.purging)]

        self.q3_lid = Signal(config.lid_bits)
        self.q3_owns = Signal()
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
            self.q3_owns.eq(self.q2_owns),
            self.q3_lid.eq(lid),
            self.q3_outcome.eq(decide.o_outcome),
            self.q3_tag.eq(decide.o_tag),
            self.q3_node.eq(Mux(event.by_lid, found.node, event.node)),
            self.q3_vc.eq(Mux(event.by_lid, found.vc, event.vc)),
            self.q3_head.eq(found.head),
            self.q3_tail.eq(found.tail),
            self.q3_passed.eq(self.o_next_slot),
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
        """Decision L5. The tags as read may be three events old; the VICTIM event looks again."""
        idle = [(tag.state == LinkState.OPEN) & (tag.alloc == 0) & tag.timer
                for tag in self.q2_read]
        newer_way = flags[0].touch ^ flags[1].touch
        older_idle = Mux(newer_way, idle[0], idle[1])
        m.d.sync += [
            self.q3_evicts.eq(self.decide.o_outcome.evicts & ~self.q2_owns & (idle[0] | idle[1])),
            self.q3_victim.eq(Cat(newer_way ^ older_idle, self.q2_row)),
        ]

    def _reorder(self, m):
        """What of selective replay belongs to no link alone, kept in step with Q2."""
        config, decide, event, outcome = (self._config, self.decide, self.q2,
                                          self.decide.o_outcome)
        free = Signal(range(config.reorder_slots + 1), init=config.reorder_slots)
        asking = Signal()
        walked_lid, walked = Signal(config.lid_bits), Signal()     # whose list is walked along
        self.q3_kept_slot = Signal(config.rx_slot_bits)
        m.d.comb += [
            self.reorder.i_valid.eq(self.q2_valid),
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
        with m.Elif(self.q2_valid & ((event.event == Event.WALKED)
                                     | (outcome.free_all & decide.i_walking))):
            m.d.sync += walked.eq(0)

    # ---- Q3: commit ----------------------------------------------------------------------------

    def _commit(self, m):
        outcome, done = self.q3_outcome, self.o_done.payload
        tag = self.q3_place.tag
        data_state = ((tag.state == LinkState.OPEN) | (tag.state == LinkState.CLOSE_SENT)
                      | (tag.state == LinkState.CLOSE_RECD))
        # Nothing is freed, nor the oldest sent, while somebody walks along the list: the WALKED
        # event looks again.
        lag = tag.lag != 0
        wants_visit = ((lag & ~outcome.walking)
                       | (tag.close_due & data_state & (tag.state != LinkState.CLOSE_RECD))
                       | ((tag.current != tag.alloc) & ~tag.held & data_state
                          & ~(lag & (tag.current == 0))))
        visited = self.q3.event == Event.VISIT
        m.d.comb += [
            self.q3_place.live.eq(self.q3_valid & self.q3_owns),
            self.q3_place.row.eq(self.q3_lid[1:]),
            self.q3_place.way.eq(self.q3_lid[0]),
            tag.eq(self.q3_tag),
            tag.queued.eq(wants_visit | (self.q3_tag.queued & ~visited)),
            done.push.eq(self.q3_place.live & wants_visit & (visited | ~self.q3_tag.queued)),
        ]
        with m.If(outcome.pop):
            m.d.comb += tag.head.eq(self.i_next)
        with m.If((visited & outcome.sends) | (outcome.resends & ~tag.selective)):
            m.d.comb += tag.next.eq(self.i_next)
        m.d.comb += [
            self.table.i_write_en.eq(self.q3_place.live),
            self.table.i_write_row.eq(self.q3_place.row),
            self.table.i_write_way.eq(self.q3_place.way),
            self.table.i_write_tag.eq(tag),
            self.o_done.valid.eq(self.q3_valid),
            self.o_next_used.eq(self.q3_valid),
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
