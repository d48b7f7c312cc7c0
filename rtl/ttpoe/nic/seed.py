"""`BootSeed`: an `open_id_seed` that differs at every start, for a node that has no better one.

Source: sections 4 and 6 of the protocol, decisions L11 and L19. What tells the frames of one life
of a node from those of the next are its open IDs and epochs, and these follow from the seed.
docs/guides/integration.md says what else may stand in its place.
"""

from amaranth.hdl import ClockDomain, Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["BootSeed"]

_CRC_32 = 0x04C11DB7
_CHANGES = 256


class BootSeed(wiring.Component):
    """A seed from the jitter of an oscillator that has nothing to do with the clock.

    In every clock after reset a bit of the oscillator is taken into a CRC. How often it turns over
    between two clocks is not known to better than the oscillator's jitter, which adds up: after
    `clocks` clocks no bit of the CRC can be foretold. The CRC is not reset, so a later reset goes
    on from there.

    Parameters
    ----------
    oscillator : str or None
        "ecp5": the on-chip oscillator of an ECP5 (`OSCG`, some 155 MHz, made of RC elements). None:
        there is a port `i_noise` for a source of your own.
    clocks : int
        Clocks for which bits are collected; 65,536 are 1.1 ms at 60 MHz.

    Members
    -------
    i_noise : In(1)
        With `oscillator` None: any signal that turns over by itself, unrelated to the clock: a ring
        oscillator, the lowest bit of a converter. It need not be synchronous.
    o_seed : Out(32)
        The seed. Holds while `o_ready`.
    o_ready : Out(1)
        The seed is made. Keep the NIC in reset until then: it takes its seed in the first clock
        after reset.

    Timing: `o_ready` `clocks` clocks after reset.

    Reset: the collecting begins anew.

    Errors: a source that turned over less than 256 times is dead or stuck. Then `o_ready` stays
    low, and the node in reset: better than one whose packets are taken for old ones.
    """

    def __init__(self, oscillator="ecp5", *, clocks=1 << 16):
        if oscillator not in ("ecp5", None):
            raise ValueError(f"oscillator must be 'ecp5' or None; got {oscillator!r}")
        if clocks < 4 * _CHANGES:
            raise ValueError(f"clocks must be at least {4 * _CHANGES}; got {clocks!r}")
        self._oscillator, self._clocks = oscillator, clocks
        super().__init__(
            {"o_seed": Out(32), "o_ready": Out(1), **({} if oscillator else {"i_noise": In(1)})}
        )

    def elaborate(self, platform):
        m = Module()
        elapsed = Signal(range(self._clocks + 1))
        done = elapsed == self._clocks
        with m.If(~done):
            m.d.sync += elapsed.eq(elapsed + 1)

        noise, last = Signal(), Signal()
        m.submodules.synchronise = FFSynchronizer(
            self.i_noise if self._oscillator is None else self._toggling(m), noise
        )
        mixed = Signal(32, reset_less=True)
        changes = Signal(range(_CHANGES + 1))
        m.d.sync += last.eq(noise)
        with m.If(~self.o_ready):
            m.d.sync += mixed.eq((mixed << 1) ^ Mux(mixed[31] ^ noise, _CRC_32, 0))
            with m.If((noise != last) & (changes != _CHANGES)):
                m.d.sync += changes.eq(changes + 1)
        m.d.comb += [self.o_seed.eq(mixed), self.o_ready.eq(done & (changes == _CHANGES))]
        return m

    def _toggling(self, m):
        """A bit that turns over with every clock of the on-chip oscillator."""
        m.domains.noise = domain = ClockDomain(reset_less=True, local=True)
        m.submodules.oscillator = Instance("OSCG", p_DIV=2, o_OSC=domain.clk)
        toggle = Signal(reset_less=True)
        m.d.noise += toggle.eq(~toggle)
        return toggle
