"""`GmiiMac` behind flat ports, with counters: with GMII's and MII's pins, and with RGMII's."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ttpoe.config import preset
from ttpoe.mac.counters import STATS
from ttpoe.mac.gmii_mac import GmiiMac
from ttpoe.mac.rgmii import RgmiiEcp5
from ttpoe.wires import pass_through

CONFIG = preset("default")
PINS = (
    "cfg_mii",
    "gmii_tx_clk",
    "gmii_txd",
    "gmii_tx_en",
    "gmii_tx_er",
    "gmii_rx_clk",
    "gmii_rx_dv",
    "gmii_rx_er",
)


class MacTop(wiring.Component):
    """Beats as integers: `i_beat` and `o_beat` are the beat's layout, its first field lowest.

    `gmii_rxd` and `mii_rxd` are ORed; the one that is not in use stays 0. `mid_tx_clk` rises in the
    middle of a byte time: there the models may sample, whatever their simulator does at edges.
    """

    def __init__(self, **parameters):
        self._mac = GmiiMac(CONFIG, **parameters)
        self._bits = self._mac.i.payload.shape().size
        super().__init__(
            {
                "i_beat": In(self._bits),
                "i_valid": In(1),
                "i_ready": Out(1),
                "o_beat": Out(self._bits),
                "o_valid": Out(1),
                "o_ready": In(1),
                **{name: self._mac.signature.members[name] for name in PINS},
                "gmii_rxd": In(8),
                "mii_rxd": In(4),
                "mii_txd": Out(4),
                "mid_tx_clk": Out(1),
                **{name.replace("stat", "count"): Out(16) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self._mac
        pass_through(m, self, mac, PINS)
        m.d.comb += [
            mac.i.payload.eq(self.i_beat),
            mac.i.valid.eq(self.i_valid),
            self.i_ready.eq(mac.i.ready),
            self.o_beat.eq(mac.o.payload),
            self.o_valid.eq(mac.o.valid),
            mac.o.ready.eq(self.o_ready),
            mac.gmii_rxd.eq(self.gmii_rxd | self.mii_rxd),
            self.mii_txd.eq(mac.gmii_txd),
            self.mid_tx_clk.eq(~self.gmii_tx_clk),
        ]
        for name in STATS:
            count = getattr(self, name.replace("stat", "count"))
            m.d.sync += count.eq(count + getattr(mac, name))
        return m


RGMII = (
    "rgmii_txc",
    "rgmii_txd",
    "rgmii_tx_ctl",
    "rgmii_rxc",
    "rgmii_rxd",
    "rgmii_rx_ctl",
    "o_link",
    "o_speed",
    "o_full_duplex",
    "o_mii",
)
GMII_OUT = ("gmii_txd", "gmii_tx_en", "gmii_tx_er")
GMII_IN = ("gmii_rx_clk", "gmii_rxd", "gmii_rx_dv", "gmii_rx_er")


class RgmiiTop(wiring.Component):
    """`MacTop` behind an ECP5's RGMII. `phy_txc`: TXC as the PHY delays it."""

    def __init__(self, **taps):
        self._top, self._rgmii = MacTop(), RgmiiEcp5(**taps)
        hidden = {*GMII_OUT, *GMII_IN, "mii_rxd", "mii_txd", "mid_tx_clk"}
        super().__init__(
            {
                **{
                    name: member
                    for name, member in self._top.signature.members.items()
                    if name not in hidden
                },
                **{name: self._rgmii.signature.members[name] for name in RGMII},
                "phy_txc": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.top, m.submodules.rgmii = top, rgmii = self._top, self._rgmii
        pass_through(m, self, rgmii, RGMII)
        pass_through(m, self, top, [name for name in top.signature.members if hasattr(self, name)])
        m.d.comb += [rgmii.cfg_mii.eq(self.cfg_mii), rgmii.gmii_tx_clk.eq(self.gmii_tx_clk)]
        m.d.comb += [getattr(rgmii, name).eq(getattr(top, name)) for name in GMII_OUT]
        m.d.comb += [getattr(top, name).eq(getattr(rgmii, name)) for name in GMII_IN]
        return m
