"""Where an event is in its clocks in the pipeline, register by register.

`Spec` is what one event after the other would find. `OnTheWay` says that each register of Q1 to Q3
holds what belongs to it. It helps the induction of `pipeline.one_by_one` and `victim.told`: what
they show is about ports.
"""

from amaranth.hdl import Cat, Mux, Signal, Value
from amaranth.lib.data import StructLayout, View

from ttpoe.link import table
from ttpoe.link.fsm import LinkState

from .memories import inner, taker

__all__ = ["LEAVES", "TO_Q2", "OnTheWay", "Spec", "plain"]

LEAVES = 7
"""Clocks from `Interlock.o_event` to `o_done`."""
TO_Q2 = 4
"""... to Q2's first clock."""

CLOSED = LinkState.CLOSED


def key_of(tag):
    """What of `tag` lies in the memory of the keys, too."""
    return Cat(plain(tag, name) for name in table.key_layout.members)


def plain(tag, name):
    return Value.cast(getattr(tag, name))


class Spec:
    """What `event` finds in a set that holds `tags`: its link's way, or the way it would take."""

    def __init__(self, h, event, tags):
        m, self.event = h.m, event
        self.used = used = [tag.state != CLOSED for tag in tags]
        self.hits = hits = [
            used[way] & (tags[way].node == event.node) & (tags[way].vc == event.vc)
            for way in range(2)
        ]
        self.way, self.missed, self.full, self.closed = (Signal() for _ in range(4))
        self.mine, self.other, self.key = (Signal.like(tags[0]) for _ in range(3))
        m.d.comb += [
            self.missed.eq(~event.by_lid & ~hits[0] & ~hits[1]),
            self.full.eq(self.missed & used[0] & used[1]),
            self.way.eq(Mux(event.by_lid, event.lid[0], Mux(self.missed, used[0], hits[1]))),
            self.mine.eq(Mux(self.way, tags[1], tags[0])),
            self.other.eq(Mux(self.way, tags[0], tags[1])),
            self.closed.eq(self.missed | (self.mine.state == CLOSED)),
            self.key.eq(self.mine),
        ]
        with m.If(~event.by_lid):
            m.d.comb += [self.key.node.eq(event.node), self.key.vc.eq(event.vc)]

    def check_shown(self, h, here, shown):
        """`shown` is the link's tag, or that of no link."""
        h.check_if(here, (shown.state == CLOSED) == self.closed)
        h.check_if(here & ~self.missed, shown.touch == self.mine.touch)
        for name in self.mine.shape().members:
            h.check_if(here & ~self.closed, plain(shown, name) == plain(self.mine, name))


class OnTheWay:
    def __init__(self, h, dut, parts, valids, entries, heres):
        self.h, self.dut, self.parts = h, dut, parts
        self.valids, self.entries, self.heres = valids, entries, heres

    def passes(self):
        """Event, row and place in each clock."""
        h, dut, valids, entries = self.h, self.dut, self.valids, self.entries
        rows, places = inner(self.parts, "table", "keys"), inner(self.parts, "reorder")
        for clock in range(1, LEAVES + 1):
            h.check_if(valids[clock], rows[f"index{clock}"] == entries[clock].row)
            h.check(places[f"index{clock}"] == entries[clock].place)
        read, decide = dut.read, dut.decide
        found = read.o_found

        def later(value):
            return taker(value, self.parts, "read")

        valid, event, row = read.i_event.valid, read.i_event.payload, read.i_row
        one = (later(valid), later(event), later(row))
        two = tuple(later(value) for value in one)
        events = {
            1: (dut.q1_valid, dut.q1),
            2: one[:2],
            3: two[:2],
            4: (found.valid, found.payload.event),
            5: (dut.q2b_valid, decide.event_b),
            6: (dut.q2c_valid, decide.event_c),
        }
        for clock, (valid, event) in events.items():
            h.check(valid == valids[clock])
            known = entries[clock].event.as_value()
            h.check_if(valid, Value.cast(event) == known)
        shown = (row, one[2], two[2], found.payload.row)
        for clock, row in enumerate(shown, 1):
            h.check_if(valids[clock], row == entries[clock].row)
        outside = inner(self.parts)
        shown = ((5, outside["lid_q2b"]), (6, outside["lid_q2c"]), (7, outside["q3_lid"]))
        for clock, lid in shown:
            h.check_if(valids[clock], lid[1:] == entries[clock].row)
        h.check_if(outside["q3_owns"], valids[LEAVES])
        h.check_if(~dut.o_ready, ~Cat(*valids[1:]).any())

    def judged(self, tags, specs):
        """The tags of the watched set, and what was made of them, from clock 2 on."""
        h, dut, heres = self.h, self.dut, self.heres
        inside, outside = inner(self.parts, "read"), inner(self.parts)
        for way, tag in enumerate(tags):
            h.check_if(heres[2], dut.table.o_keys[way].as_value() == key_of(tag))
            h.check_if(heres[3], dut.table.o_tags[way].as_value() == tag.as_value())
            h.check_if(heres[3], inside[f"q1c_used{way}"] == specs[3].used[way])
            event = specs[3].event
            hit = Mux(event.by_lid, event.lid[0] == way, specs[3].hits[way])
            h.check_if(heres[3], inside[f"q1c_hit{way}"] == hit)
        found = dut.read.o_found.payload
        beside = {4: {name: found[name] for name in ("missed", "full", "own_touch", "other_touch")}}
        beside[4]["lid"] = Cat(found.way, found.row)
        for clock, stage in ((5, "q2b"), (6, "q2c")):
            beside[clock] = {
                name: outside[f"{name}_{stage}"] for name in beside[4] if name != "lid"
            }
            beside[clock]["lid"] = outside[f"lid_{stage}"]
            spec = specs[clock]
            spec.check_shown(h, heres[clock], getattr(dut.decide, f"tag_{stage[-1]}"))
        for clock, values in beside.items():
            here, spec = heres[clock], specs[clock]
            wanted = {
                "missed": spec.missed,
                "full": spec.full,
                "own_touch": spec.mine.touch,
                "other_touch": spec.other.touch,
            }
            for name, value in wanted.items():
                h.check_if(here, values[name] == value)
            h.check_if(here, values["lid"] == Cat(spec.way, self.entries[clock].row))

    def written(self, keys, cells, row, tags):
        """What is on its way back into the table; its tags are there already."""
        h, dut = self.h, self.dut
        table_signals = inner(self.parts, "table", "keys")
        fields = {"live": 1, "index": len(row), "way": 1, "value": table.key_layout.size}
        written = View(StructLayout(fields), table_signals["written"])
        mine = written.live & (written.index == row)
        h.check_if(mine, self.heres[LEAVES + 1])
        ready = dut.table.o_ready
        h.check_if(~ready, written.value == 0)
        for value in (dut.q3_tag, dut.q3_outcome, dut.q3):
            h.check_if(~ready, Value.cast(value) == 0)
        read = [dut.table.keys.o_read[way].as_value() for way in range(len(tags))]
        for way, (key, memory, tag) in enumerate(zip(keys, cells, tags)):
            stored = h.past(key_of(tag))
            newest = Mux(mine & (written.way == way), written.value, key.watched)
            h.check_if(ready, newest == key_of(tag))
            h.check_if(ready, memory.watched == tag.as_value())
            h.check_if(~self.heres[LEAVES + 1], stored == key_of(tag))
            older = h.past(stored)
            h.check_if(~self.heres[LEAVES + 2], older == stored)
            h.check_if(self.heres[1], read[way] == older)
