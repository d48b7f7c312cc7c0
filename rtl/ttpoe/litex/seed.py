"""`BootSeed`: a seed that differs at every start, for a SoC that has no better one.

Source: docs/guides/integration.md, "A new seed at every start".
"""

from litex.gen import LiteXModule
from migen import ClockSignal, Instance, ResetSignal, Signal

from ..nic import seed
from ..verilog.emit import emit_verilog
from .files import add_verilog

__all__ = ["BootSeed"]

_MODULE = "ttp_boot_seed"


class BootSeed(LiteXModule):
    """`ttpoe.nic.seed.BootSeed` as a module of LiteX.

    Parameters
    ----------
    platform : litex.build.generic_platform.GenericPlatform
    oscillator : str or None
        "ecp5", or None: there is `noise` for a source of your own.
    clocks : int
        Clocks for which bits are collected.

    Members
    -------
    seed : Signal(32)
        For `open_id_seed` of a core. Holds while `ready`.
    ready : Signal
        The seed is made. The core must be in reset until then: `rst` of a core.
    noise : Signal
        Without an oscillator: any signal that turns over by itself.

    Timing: `ready` rises `clocks` clocks after reset. Reset: that of `sys`. Errors: a source that
    stands still keeps `ready` low.
    """

    def __init__(self, platform, oscillator="ecp5", clocks=1 << 16):
        self._platform, self._component = platform, seed.BootSeed(oscillator, clocks=clocks)
        self.seed, self.ready, self.noise = Signal(32), Signal(), Signal()
        noise = () if oscillator else (Instance.Input("i_noise", self.noise),)
        self.core = Instance(
            _MODULE,
            *noise,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            o_o_seed=self.seed,
            o_o_ready=self.ready,
        )

    def do_finalize(self):
        add_verilog(self._platform, _MODULE, emit_verilog(self._component, _MODULE))
