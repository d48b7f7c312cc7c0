"""Which link of a full set is asked to close, so that another one finds a place (decision L5)."""

from amaranth import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..link.fsm import LinkState
from ..link.table import tag_layout

__all__ = ["VictimChoice"]


class VictimChoice(wiring.Component):
    """Chooses the way that was not used last if it is idle, else the other one if that is.

    Idle: OPEN, nothing allocated, and no progress since the timer's last visit.

    Members
    -------
    i_wanted : In(1)
        The event in Q2 wants a place, and its set is full.
    i_row : In(row_bits)
        Its set.
    i_tags : In(tag), one for each way
        The tags of the set as the table holds them: they may be three events old. The VICTIM event
        looks again before it closes anything.
    i_touch : In(1), one for each way
        Their `touch` bits, every older event taken into account: they differ if way 1 was used
        last.
    o_valid : Out(1), o_lid : Out(lid_bits)
        There is a victim: this link.

    Timing: combinational.
    """

    def __init__(self, config):
        super().__init__(
            {
                "i_wanted": In(1),
                "i_row": In(config.row_bits),
                "i_tags": In(tag_layout(config)).array(config.WAYS),
                "i_touch": In(1).array(config.WAYS),
                "o_valid": Out(1),
                "o_lid": Out(config.lid_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        idle = [(tag.state == LinkState.OPEN) & (tag.alloc == 0) & tag.timer for tag in self.i_tags]
        newer_way = self.i_touch[0] ^ self.i_touch[1]
        older_idle = Mux(newer_way, idle[0], idle[1])
        m.d.comb += [
            self.o_valid.eq(self.i_wanted & (idle[0] | idle[1])),
            self.o_lid.eq(Cat(newer_way ^ older_idle, self.i_row)),
        ]
        return m
