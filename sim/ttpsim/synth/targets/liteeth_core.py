"""Writes the Verilog of LiteEth's UDP core; started as a program of its own by `liteeth`.

    python sim/ttpsim/synth/targets/liteeth_core.py WIDTH_BITS OUTPUT.v

The core as LiteEth's own generator makes it for `core: udp` (MAC with preamble and FCS, ARP, IP,
ICMP, UDP, one raw port), but with the PHY's streams as ports, and all clocks one: so that, as
with the TTP engine, no pins and no PHY are in the figures.
"""

import sys

from liteeth.common import eth_phy_description
from liteeth.core import LiteEthUDPIPCore
from litex.gen import ClockDomain, ClockSignal, LiteXModule, ResetSignal
from litex.gen.fhdl.verilog import convert
from litex.soc.interconnect import stream
from migen.fhdl.module import _ModuleComb


class _Phy(LiteXModule):
    """A PHY that is nothing but its two streams."""

    def __init__(self, width_bits):
        self.dw = width_bits
        self.sink = stream.Endpoint(eth_phy_description(width_bits))
        self.source = stream.Endpoint(eth_phy_description(width_bits))


class Core(LiteXModule):
    """The core in one clock domain; `ios` are its ports."""

    comb: _ModuleComb  # for pyright; Migen makes it

    def __init__(self, width_bits):
        self.cd_sys, self.cd_eth_rx, self.cd_eth_tx = (
            ClockDomain("sys"),
            ClockDomain("eth_rx"),
            ClockDomain("eth_tx"),
        )
        self.comb += [
            of(domain).eq(of("sys"))
            for domain in ("eth_rx", "eth_tx")
            for of in (ClockSignal, ResetSignal)
        ]
        self.phy = _Phy(width_bits)
        self.core = LiteEthUDPIPCore(
            self.phy,
            mac_address=0x10E2D5000001,
            ip_address="192.168.1.50",
            clk_freq=125e6,
            dw=width_bits,
            with_sys_datapath=width_bits > 8,
        )
        port = self.core.udp.crossbar.get_port(6000, dw=width_bits)
        self.ios = {self.cd_sys.clk, self.cd_sys.rst}
        for endpoint in (port.sink, port.source, self.phy.sink, self.phy.source):
            self.ios |= set(endpoint.flatten())


def main():
    width_bits, output = int(sys.argv[1]), sys.argv[2]
    core = Core(width_bits)
    convert(core, core.ios, name="liteeth_udp").write(output)


if __name__ == "__main__":
    main()
