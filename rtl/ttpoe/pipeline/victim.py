"""Which link of a full set is asked to close, so that another one finds a place (decision L5)."""

from amaranth import Module, Mux
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
    i_tags : In(tag), one for each way
        The tags of a set; their `touch` bits differ if way 1 was used last.
    o_valid : Out(1), o_way : Out(way)
        There is a victim: this way's link. The VICTIM event looks again before it closes anything.

    Timing: combinational.
    """

    def __init__(self, config):
        super().__init__(
            {
                "i_tags": In(tag_layout(config)).array(config.WAYS),
                "o_valid": Out(1),
                "o_way": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        idle = [(tag.state == LinkState.OPEN) & (tag.alloc == 0) & tag.timer for tag in self.i_tags]
        newer_way = self.i_tags[0].touch ^ self.i_tags[1].touch
        older_idle = Mux(newer_way, idle[0], idle[1])
        m.d.comb += [self.o_valid.eq(idle[0] | idle[1]), self.o_way.eq(newer_way ^ older_idle)]
        return m
