"""LiteEth's MAC core with GMII's pins: its Verilog, and as a program that writes it.

    python sim/ttpsim/synth/targets/liteeth_mac.py OUTPUT.v

It has what `GmiiMac` has: preamble, FCS, padding, gap, FIFOs between three clocks, beats of 64 bits.
It counts nothing here: its registers are left out. It runs at 1000 Mb/s only.
"""

import sys

from liteeth.mac.core import LiteEthMACCore
from litex.build.lattice.common import lattice_ecp5_special_overrides
from litex.gen import ClockDomain, LiteXModule
from litex.gen.fhdl.verilog import convert
from migen import Record

from ttpoe.litex.gmii_phy import GmiiPhy

__all__ = ["TOP", "MacCore"]

TOP = "liteeth_mac"
PADS = [("tx_en", 1), ("tx_er", 1), ("tx_data", 8), ("rx_dv", 1), ("rx_er", 1), ("rx_data", 8)]


class MacCore(LiteXModule):
    """`pads`, `clocks`, and the core's `sink` and `source`; `ios` has all of them and `sys`."""

    def __init__(self, width_bits):
        self.cd_sys = ClockDomain("sys")
        self.pads = Record(PADS, name="gmii")
        self.clocks = Record([("tx", 1), ("rx", 1)], name="gmii_clk")
        self.phy = GmiiPhy(self.clocks, self.pads)
        self.mac = LiteEthMACCore(self.phy, width_bits)
        self.sink, self.source = self.mac.sink, self.mac.source
        self.ios = {self.cd_sys.clk, self.cd_sys.rst}
        for record in (self.pads, self.clocks, self.sink, self.source):
            self.ios |= set(record.flatten())


def main():
    core = MacCore(64)
    text = convert(core, core.ios, name=TOP, special_overrides=lattice_ecp5_special_overrides)
    text.write(sys.argv[1])


if __name__ == "__main__":
    main()
