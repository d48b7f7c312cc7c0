"""The pipeline between any interlock and any decision: what a proof about its bookkeeping needs.

The parts are proven by themselves. `enter.interlock_distance`: events keep their distance.
`arbitrate.entries`: they have their row, place and `uses_place`. `pipeline.registered` and
`victim.closes`: what Q2 decides is a function of what it sees two clocks before, and a link keeps
its key. Here these are assumed, of anything that would do the same.
"""

from amaranth.hdl import Cat, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.data import View

from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.table import link_row
from ttpoe.memory import swept
from ttpoe.memory.forwarded import APART, FORWARDED
from ttpoe.pipeline import pipeline
from ttpoe.pipeline.interlock import Interlock
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.records import entry_layout
from ttpoe.reorder import directory

from .memories import built, harsh_memories

__all__ = ["any_pipeline", "among", "stages", "keep_distance", "CONCERN_PLACE", "CHANGE_PLACE"]

CHANGE_PLACE = (Event.RX_PAYLOAD, Event.LOOK, Event.PURGE)
"""Events that may change what the directory holds in their place."""

CONCERN_PLACE = (*CHANGE_PLACE, Event.ASK)


def among(value, kinds):
    return Cat(*(value == kind for kind in kinds)).any()


def stages(h, value, count):
    """`value`, and as it was 1 to `count` clocks ago."""
    values = [value]
    for _ in range(count):
        values.append(h.past(values[-1]))
    return values


def keep_distance(h, here, allowed):
    """Assumes that accesses keep `APART` clocks or more, or `allowed`.

    `here`: there is one in the place that is watched, now and n clocks ago.
    """
    h.assume_if(here[0], ~Cat(here[n] for n in range(1, APART) if n not in allowed).any())


def _any(h, port, name):
    """Any value of a record; of a field of more than 8 bits 2 are any, the others 0."""
    for field, member in port.shape().members.items():
        target, label = Value.cast(port[field]), f"{name}_{field}"
        if hasattr(member, "members"):
            _any(h, port[field], label)
        else:
            bits = len(target) if len(target) <= 8 else 2
            h.m.d.comb += target.eq(h.free(bits, label))


class _AnyInterlock(wiring.Component):
    """In the place of `Interlock`: any event in any clock."""

    def __init__(self, h, config):
        self._h = h
        super().__init__(Interlock(config).signature)

    def elaborate(self, platform):
        m, h = Module(), self._h
        _any(h, self.o_event.payload, "entry")
        m.d.comb += [
            self.i_event.ready.eq(1),
            self.o_leaves.eq(h.free(1, "leaves")),
            self.o_event.valid.eq(self.o_leaves | (h.free(1, "enters") & ~self.i_pause)),
        ]
        return m


class _AnyDecision(wiring.Component):
    """In the place of `Decide`: any outcome, and any tag that keeps its key and touch bit."""

    def __init__(self, h, config):
        self._h = h
        like = Decide(config)
        super().__init__(like.signature)
        self.event_b, self.event_c = like.event_b, like.event_c
        self.tag_b, self.tag_c = like.tag_b, like.tag_c

    def elaborate(self, platform):
        m, h = Module(), self._h
        m.d.sync += [
            self.event_b.eq(self.i_event),
            self.event_c.eq(self.event_b),
            self.tag_b.eq(self.i_tag),
            self.tag_c.eq(self.tag_b),
        ]
        for name in ("o_tag", "o_outcome"):
            _any(h, getattr(self, name), name)
        old, new, event = self.tag_c, self.o_tag, self.event_c
        closed = new.state == LinkState.CLOSED
        h.assume(new.touch == old.touch)
        h.assume_if(event.by_lid & (old.state == LinkState.CLOSED), closed)
        h.assume_if(event.by_lid & ~closed, (new.node == old.node) & (new.vc == old.vc))
        h.assume_if(~event.by_lid & ~closed, (new.node == event.node) & (new.vc == event.vc))
        out = self.o_outcome
        h.assume_if(out.keeps | out.unkeeps, among(event.event, CHANGE_PLACE))
        return m


def _well_formed(size, entry):
    """What an event says of itself fits together."""
    event = entry.event
    row = Mux(event.by_lid, event.lid[1:], link_row(size, event.node, event.vc))
    place = directory.directory_index(size, entry.row, event.tx_id)
    return Cat(
        event.by_lid == (event.event.as_value() >= Event.VISIT.value),
        event.event.as_value() <= Event.RETIRE.value,
        event.vc < 3,
        entry.row == row,
        entry.uses_place == among(event.event, CONCERN_PLACE),
        entry.place == place,
    ).all()


def any_pipeline(h, size, row, place):
    """(pipeline, its fragment, memories, and of the event in each of its clocks: whether it is
    there, its entry, whether it is of set `row`). Distances are assumed of that set and `place`.
    """
    real = pipeline.Interlock, pipeline.Decide
    pipeline.Interlock = lambda config: _AnyInterlock(h, config)
    pipeline.Decide = lambda config, registered: _AnyDecision(h, config)
    try:
        with harsh_memories(h, swept, directory) as memories:
            dut = pipeline.Pipeline(size)
            h.m.submodules.dut = parts = built(dut)
    finally:
        pipeline.Interlock, pipeline.Decide = real
    h.drive(dut)
    entered = dut.interlock.o_event
    entry = entered.payload
    h.assume_if(entered.valid, dut.o_ready)
    valids = stages(h, entered.valid, APART)
    entries = [View(entry_layout(size), value) for value in stages(h, entry, APART)]
    # What Q0 guarantees (`arbitrate.entries`).
    h.assume(_well_formed(size, entry))
    for valid, known in zip(valids[1:], entries[1:]):
        h.check_if(valid, _well_formed(size, known))
    # What the interlock guarantees (`enter.interlock_distance`).
    heres = [valid & (known.row == row) for valid, known in zip(valids, entries)]
    concerns = [
        valid & known.uses_place & (known.place == place) for valid, known in zip(valids, entries)
    ]
    for here, allowed in ((heres, [FORWARDED]), (concerns, [])):
        keep_distance(h, here, allowed)
        # Helps the induction: those on their way keep it, too.
        for n in range(1, APART):
            others = [here[o] for o in range(n + 1, APART) if o - n not in allowed]
            if others:
                h.check_if(here[n], ~Cat(others).any())
    return dut, parts, memories, valids, entries, heres
