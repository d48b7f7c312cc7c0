"""XGMII and the hard MAC as sides of a port.

Source: IEEE 802.3 clause 46; AMD PG203 (CMAC).
"""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer

from ..mac.domains import phy_domain
from ..mac.hard_mac import HARD_MAC_EVENTS, HardMac
from ..mac.kinds import KINDS
from ..mac.xgmii_mac import MAC_EVENTS, XgmiiMac
from ..wires import pass_through
from .side import side_signature

__all__ = ["CmacSide", "XgmiiSide"]

_AXIS = ("tdata", "tkeep", "tlast", "tuser", "tvalid")


class XgmiiSide(wiring.Component):
    """`XgmiiMac` with the domains of its pins.

    Parameters
    ----------
    clock_hz, wire_hz : float or None
        `sync_hz` and `wire_hz` of `XgmiiMac`.

    Members: `side_signature`. Timing, reset and errors: those of `XgmiiMac`.
    """

    def __init__(self, config, clock_hz=None, wire_hz=None):
        kind = KINDS["xgmii"]
        self._mac = XgmiiMac(
            config,
            sync_hz=clock_hz,
            wire_hz=wire_hz or kind.wire_hz,
            tx_domain="mac_tx",
            rx_domain="mac_rx",
        )
        super().__init__(side_signature(config, kind))

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self._mac
        phy_domain(m, "mac_tx", self.xgmii_tx_clk, self.xgmii_tx_rst)
        phy_domain(m, "mac_rx", self.xgmii_rx_clk, self.xgmii_rx_rst)
        pins = ("xgmii_txd", "xgmii_txc", "xgmii_rxd", "xgmii_rxc")
        pass_through(m, self, mac, ["i", "o", *MAC_EVENTS, *pins])
        m.d.comb += [
            self.phy_local_fault.eq(mac.local_fault),
            self.phy_remote_fault.eq(mac.remote_fault),
        ]
        return m


class CmacSide(wiring.Component):
    """`HardMac` with the domains of its pins.

    Parameters
    ----------
    clock_hz, wire_hz : float or None
        `sync_hz` and `mac_hz` of `HardMac`.

    Members: `side_signature`. Timing, reset and errors: those of `HardMac`.
    """

    def __init__(self, config, clock_hz=None, wire_hz=None):
        kind = KINDS["cmac"]
        self._mac = HardMac(config, sync_hz=clock_hz, mac_hz=wire_hz or kind.wire_hz)
        super().__init__(side_signature(config, kind))

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self._mac
        phy_domain(m, "mac_tx", self.cmac_tx_clk, self.cmac_tx_rst)
        phy_domain(m, "mac_rx", self.cmac_rx_clk, self.cmac_rx_rst)
        pass_through(m, self, mac, ["i", "o", *HARD_MAC_EVENTS])
        m.d.comb += [
            *(
                getattr(self, f"m_cmac_tx_{name}").eq(getattr(mac, f"m_axis_{name}"))
                for name in _AXIS
            ),
            *(
                getattr(mac, f"s_axis_{name}").eq(getattr(self, f"s_cmac_rx_{name}"))
                for name in _AXIS
            ),
            mac.m_axis_tready.eq(self.m_cmac_tx_tready),
        ]
        m.submodules.link_cdc = FFSynchronizer(self.cmac_rx_aligned, self.phy_link)
        return m
