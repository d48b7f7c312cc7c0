"""GMII and RGMII as sides of a port.

Source: IEEE 802.3 clauses 22 and 35; RGMII 2.0.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer

from ..mac.counters import STATS
from ..mac.crossing import depth_beats, start_beats
from ..mac.ethernet import FCS_BYTES, LONGEST_BYTES
from ..mac.gmii_mac import GmiiMac
from ..mac.kinds import KINDS
from ..mac.rgmii import RgmiiEcp5, Speed
from ..wires import pass_through
from .side import side_signature

__all__ = ["GmiiSide", "RgmiiSide"]

_GMII_OUT = ("gmii_txd", "gmii_tx_en", "gmii_tx_er")
_GMII_IN = ("gmii_rx_clk", "gmii_rxd", "gmii_rx_dv", "gmii_rx_er")
_CLOCKS_AND_PINS = ("gmii_tx_clk", *_GMII_OUT, *_GMII_IN)


def _gmii_mac(config, clock_hz, wire_hz):
    """A `GmiiMac` that begins a frame as early as the engine's clock allows; with an unknown one,
    with the first beat: an engine as fast as the wire."""
    if clock_hz is None:
        return GmiiMac(config)
    start = start_beats(config.width_bytes, clock_hz, wire_hz, LONGEST_BYTES - FCS_BYTES)
    return GmiiMac(config, start=start, tx_depth=max(16, depth_beats(start)))


class GmiiSide(wiring.Component):
    """`GmiiMac` with the speed from PHY_CONTROL.

    Members: `side_signature`. Timing, reset and errors: those of `GmiiMac`. `mii_select` follows
    `cfg_phy_mii` without a clock.
    """

    def __init__(self, config, clock_hz=None, wire_hz=None):
        kind = KINDS["gmii"]
        self._mac = _gmii_mac(config, clock_hz, wire_hz or kind.wire_hz)
        super().__init__(side_signature(config, kind))

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self._mac
        pass_through(m, self, mac, ["i", "o", *STATS, *_CLOCKS_AND_PINS])
        m.d.comb += [mac.cfg_mii.eq(self.cfg_phy_mii), self.mii_select.eq(self.cfg_phy_mii)]
        return m


class RgmiiSide(wiring.Component):
    """`GmiiMac` behind the RGMII of an ECP5, at the speed that the PHY says, or PHY_CONTROL.

    The speed is what the PHY says between frames, while it says that its link is up and
    `cfg_phy_follow` is high; else `cfg_phy_mii`. A PHY that says nothing is so at 1000 Mb/s, until
    software has asked it by MDIO.

    Parameters
    ----------
    taps : dict
        Delays, as of `RgmiiEcp5`; none: the PHY delays both clocks.

    Members: `side_signature`. Timing: those of `GmiiMac` and `RgmiiEcp5`; what the PHY says is 3
    clocks of `sync` late, each bit by itself: speed and link may differ for a clock.
    Reset and errors: those of `GmiiMac`. A change of speed spoils the frame under way.
    """

    def __init__(self, config, clock_hz=None, wire_hz=None, **taps):
        kind = KINDS["rgmii"]
        self._mac = _gmii_mac(config, clock_hz, wire_hz or kind.wire_hz)
        self._rgmii = RgmiiEcp5(**taps)
        super().__init__(side_signature(config, kind))

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self._mac
        m.submodules.rgmii = rgmii = self._rgmii
        pass_through(m, self, mac, ["i", "o", *STATS])
        pass_through(
            m, self, rgmii, [name for name in rgmii.signature.members if name.startswith("rgmii_")]
        )
        m.d.comb += [
            *(getattr(rgmii, name).eq(getattr(mac, name)) for name in _GMII_OUT),
            *(getattr(mac, name).eq(getattr(rgmii, name)) for name in _GMII_IN),
            mac.gmii_tx_clk.eq(self.gmii_tx_clk),
            rgmii.gmii_tx_clk.eq(self.gmii_tx_clk),
            self.gmii_rx_clk.eq(rgmii.gmii_rx_clk),
        ]
        self._speed(m, mac, rgmii)
        return m

    def _speed(self, m, mac, rgmii):
        for name in ("link", "full_duplex", "speed"):
            said = getattr(rgmii, f"o_{name}")
            m.submodules[f"{name}_cdc"] = FFSynchronizer(
                said.as_value() if name == "speed" else said, getattr(self, f"phy_{name}")
            )
        mii = Signal()
        said = self.phy_speed != Speed.MBPS_1000.value
        with m.If(self.cfg_phy_follow & self.phy_link):
            m.d.sync += mii.eq(said)
        with m.Else():
            m.d.sync += mii.eq(self.cfg_phy_mii)
        m.d.comb += [
            mac.cfg_mii.eq(mii),
            rgmii.cfg_mii.eq(mii),
            self.mii_select.eq(mii),
            self.phy_mii.eq(mii),
        ]
