"""`phy_domain`: the clock of a PHY's pins as a domain of its own, and its reset."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, ResetSignal, Signal

__all__ = ["phy_domain"]


def phy_domain(m, name, clock, reset=0):
    """A local clock domain `name` of the clock `clock`, which may stop.

    It is reset with `sync`, or by `reset`, at once; it leaves reset with the second edge of its own
    clock behind that.
    """
    # What `lib.cdc.ResetSynchronizer` does, with registers that say the opposite. An `AsyncFIFO` has
    # such a synchroniser inside and takes its output as data. Tools join equal registers: one would
    # be behind both, drive the reset of the whole domain, and lie far from the FIFO.
    waking = f"{name}_waking"
    m.domains += [ClockDomain(name, local=True), ClockDomain(waking, async_reset=True, local=True)]
    awake = Signal(2, name=f"{name}_awake")
    m.d.comb += [
        ClockSignal(name).eq(clock),
        ClockSignal(waking).eq(clock),
        ResetSignal(waking).eq(ResetSignal("sync") | reset),
        ResetSignal(name).eq(~awake[1]),
    ]
    m.d[waking] += awake.eq(Cat(1, awake[0]))
