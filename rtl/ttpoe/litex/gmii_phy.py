"""`GmiiPhy`: LiteEth's GMII without the cells of one vendor.

Source: IEEE 802.3 clause 35. `LiteEthPHYGMII` of LiteEth takes its clocks through a BUFG, which
only one vendor's devices have.
"""

from liteeth.phy.gmii import LiteEthPHYGMIIRX, LiteEthPHYGMIITX
from litex.gen import ClockDomain, LiteXModule, ResetSignal
from migen import ClockDomainsRenamer
from migen.fhdl.module import _ModuleComb, _ModuleSpecials
from migen.genlib.resetsync import AsyncResetSynchronizer

from .streams import mark_last_byte

__all__ = ["GmiiPhy"]


class GmiiPhy(LiteXModule):
    """For a `LiteEthMACCore`: 8 bits at 125 MHz; both clocks come from pads.

    Parameters
    ----------
    clock_pads : tx, rx
        `tx`: the clock of what is sent, an input here.
    pads : tx_en, tx_er, tx_data, rx_dv, rx_er, rx_data
        As in LiteX's boards. LiteEth does not look at `rx_er`.

    Reset: that of `sys`, in `eth_tx` and `eth_rx`.
    """

    # For pyright; Migen makes them.
    comb: _ModuleComb
    specials: _ModuleSpecials

    dw = 8
    tx_clk_freq = 125e6
    rx_clk_freq = 125e6

    def __init__(self, clock_pads, pads):
        self.cd_eth_tx = ClockDomain("eth_tx")
        self.cd_eth_rx = ClockDomain("eth_rx")
        for domain, clock in ((self.cd_eth_tx, clock_pads.tx), (self.cd_eth_rx, clock_pads.rx)):
            self.comb += domain.clk.eq(clock)
            self.specials += AsyncResetSynchronizer(domain, ResetSignal("sys"))
        self.tx = ClockDomainsRenamer("eth_tx")(LiteEthPHYGMIITX(pads))
        self.rx = ClockDomainsRenamer("eth_rx")(LiteEthPHYGMIIRX(pads))
        self.sink, self.source = self.tx.sink, self.rx.source
        mark_last_byte(self)
