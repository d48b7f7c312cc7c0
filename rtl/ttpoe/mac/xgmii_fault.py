"""Faults of the link, as the other side's or our own PHY signals them in idle columns.

Source: IEEE 802.3 clause 46.3.4 (link fault signalling).
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .xgmii import Control

__all__ = ["FAULT_EVENTS", "XgmiiFault"]

FAULT_EVENTS = {
    "stat_rx_local_fault": "a local fault began: our PHY receives nothing",
    "stat_rx_remote_fault": "a remote fault began: the other side receives nothing",
}
"""Name of the one-clock pulse -> what it says."""

_LOCAL, _REMOTE = 1, 2
_ENOUGH = 4  # ordered sets of a kind
_QUIET_WORDS = 64  # 128 columns


class XgmiiFault(wiring.Component):
    """Watches for ordered sets: a fault begins with four of a kind, no 128 columns between them,
    and is over when 128 columns had none.

    Members
    -------
    xgmii_d : In(64), xgmii_c : In(8)
    local_fault, remote_fault : Out(1)
        The fault is there.
    stat_rx_local_fault, stat_rx_remote_fault : Out(1)
        It begins in this clock.

    Timing: the fourth ordered set in clock t, the fault in t + 2.
    Reset: no fault.
    """

    def __init__(self):
        super().__init__(
            {
                "xgmii_d": In(64),
                "xgmii_c": In(8),
                "local_fault": Out(1),
                "remote_fault": Out(1),
                **{name: Out(1) for name in FAULT_EVENTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        found = {kind: Signal(2, name=f"found{kind}") for kind in (_LOCAL, _REMOTE)}
        for kind, columns in found.items():
            column = Control.SEQUENCE.value | kind << 24
            m.d.sync += columns.eq(
                Cat(
                    (self.xgmii_d.word_select(n, 32) == column)
                    & (self.xgmii_c.word_select(n, 4) == 0b0001)
                    for n in range(2)
                )
            )
        kind, now, number = Signal(2), Signal(2), Signal(range(_ENOUGH + 1))
        quiet, before, total = Signal(range(_QUIET_WORDS)), Signal(3), Signal(3)
        columns = Mux(found[_LOCAL].any(), found[_LOCAL], found[_REMOTE])
        m.d.comb += [
            now.eq(Mux(found[_LOCAL].any(), _LOCAL, Mux(found[_REMOTE].any(), _REMOTE, 0))),
            before.eq(Mux(now == kind, number, 0)),
            total.eq(before + columns[0] + columns[1]),
        ]
        with m.If(now != 0):
            m.d.sync += [kind.eq(now), quiet.eq(0), number.eq(Mux(total > _ENOUGH, _ENOUGH, total))]
        with m.Elif(quiet == _QUIET_WORDS - 1):
            m.d.sync += number.eq(0)
        with m.Else():
            m.d.sync += quiet.eq(quiet + 1)
        for value, name in ((_LOCAL, "local_fault"), (_REMOTE, "remote_fault")):
            level, was = getattr(self, name), Signal(name=f"was_{name}")
            m.d.sync += was.eq(level)
            m.d.comb += [
                level.eq((number == _ENOUGH) & (kind == value)),
                getattr(self, f"stat_rx_{name}").eq(level & ~was),
            ]
        return m
