"""Fresh open IDs and epochs (protocol sections 4 and 6, decision L11)."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Identity"]

# 2^31 / golden ratio, made odd: the sequence visits each of the 2^31 IDs once before any repeats,
# and IDs of incarnations that are near in time are far apart.
_WEYL_STEP = 0x4F1BBCDD


class Identity(wiring.Component):
    """Generator of open IDs and epochs, one step per incarnation.

    Members
    -------
    cfg_open_id_seed : In(32)
        Sampled in the first clock after reset: bits [30:0] start the open IDs, bits [31:16]
        the epochs (0 counts as 1). It must differ at every start of a node (`nic.seed`).
    cfg_fixed_open_id : In(1), cfg_init_id : In(32)
        If set, every open ID is `cfg_init_id` (for tests).
    i_step : In(1)
        The present values have been used.
    o_first_id : Out(32)
        First data ID of the next incarnation: the open ID + 1.
    o_epoch : Out(16)
        Its epoch, never 0.
    """

    def __init__(self):
        super().__init__(
            {
                "cfg_open_id_seed": In(32),
                "cfg_fixed_open_id": In(1),
                "cfg_init_id": In(32),
                "i_step": In(1),
                "o_first_id": Out(32),
                "o_epoch": Out(16),
            }
        )

    def elaborate(self, platform):
        m = Module()
        seeded = Signal()
        open_id = Signal(31)
        epoch = Signal(16, init=1)
        seed = self.cfg_open_id_seed
        m.d.sync += seeded.eq(1)
        with m.If(~seeded):
            m.d.sync += [open_id.eq(seed), epoch.eq(Mux(seed[16:] == 0, 1, seed[16:]))]
        with m.Elif(self.i_step):
            m.d.sync += [open_id.eq(open_id + _WEYL_STEP), epoch.eq(Mux(epoch.all(), 1, epoch + 1))]
        m.d.comb += [
            self.o_first_id.eq(Mux(self.cfg_fixed_open_id, self.cfg_init_id, open_id) + 1),
            self.o_epoch.eq(epoch),
        ]
        return m
