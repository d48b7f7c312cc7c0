"""`Port`: a NIC with registers and its MAC, from the host's streams to the pins of a PHY.

Source: section 8 of the protocol; IEEE 802.3. Nothing is computed here.
"""

from math import ceil

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..mac.kinds import kind_of
from ..mac.mdio import Mdio
from ..nic.managed import ManagedNic
from ..wires import pass_through
from .fast import CmacSide, XgmiiSide
from .gmii import GmiiSide, RgmiiSide

__all__ = ["Port"]

_SIDES = {"rgmii": RgmiiSide, "gmii": GmiiSide, "xgmii": XgmiiSide, "cmac": CmacSide}
_MDC_HZ = 2.5e6
_FASTEST_HZ = 200e6
"""A clock of the engine that is not known is taken for this one, where MDC depends on it."""


class Port(wiring.Component):
    """A `ManagedNic` and a MAC of one kind.

    Three clocks, which need have nothing to do with each other: `sync` of the NIC, its streams and
    its registers; and two of the MAC, for what it sends and what it receives, which come in
    through its pins. One reset, that of `sync`, is carried into all of them.

    Parameters
    ----------
    config : Config
    mac : str
        Kind of the MAC: see `mac.kinds`. XGMII takes beats of 64 bits, a CMAC of 512.
    clock_hz : float or None
        The clock of `sync`, if it is known: frames then begin on the wire as early as is safe. Else
        GMII and RGMII take the NIC for as fast as the wire (8 bytes wide: 16 MHz or more), and
        XGMII and a CMAC begin a frame when all of it is there.
    wire_hz : float or None
        Clock of the MAC's pins, if it is not the kind's.
    phy_levels : bool
        What PHY_STATUS shows is at ports, too: `o_phy_*`.
    options
        Of the side: delays of RGMII, see `port.gmii`.

    Members
    -------
    the pins of the MAC, and `mdc`, `mdio_*` where it has a PHY with MDIO
        See `mac.kinds`; each says its clock.
    stat_mac_* : Out(1)
        One-clock pulses in `sync`: what the MAC counts, also in COUNT_MAC_*.
    o_phy_* : Out, with `phy_levels`
        The kind's `status`, in `sync`.
    everything else
        The `ManagedNic`'s ports under its names, but for `i_mac` and `o_mac`.

    Timing: the NIC's and the MAC's add up; nothing is added here.

    Reset: `sync`'s resets all. The pins `*_rst` reset one direction of the MAC: frames on their way
    are lost, and no frame is made of two.

    Errors: what the MAC finds wrong with a frame reaches the NIC as `error` with its last beat; the
    NIC drops it. Each frame that is dropped on the way moves a counter: in the MAC by its cause
    (`stat_mac_rx_*`, `stat_mac_tx_*`), and in the NIC, if its beginning got so far
    (`stat_rx_bad_fcs`).
    `ConfigError`: an unknown kind, a width that it cannot carry, a clock too slow for the wire.
    """

    def __init__(self, config, mac, *, clock_hz=None, wire_hz=None, phy_levels=False, **options):
        self.mac = kind = kind_of(mac)
        kind.check(config, clock_hz, wire_hz)
        self._nic = ManagedNic(config, mac)
        self._side = _SIDES[mac](config, clock_hz, wire_hz, **options)
        half = ceil((clock_hz or _FASTEST_HZ) / _MDC_HZ / 2)
        self._levels = kind.status if phy_levels else ()
        self._mdio = Mdio(max(5, half)) if kind.mdio else None
        inner = self._nic.signature.members
        self._outside = [
            name
            for name in inner
            if name not in ("i_mac", "o_mac", "i_mdio", "o_mdio")
            and not name.startswith(("i_phy_", "cfg_phy_", "stat_mac_"))
        ]
        super().__init__(
            {
                **{name: inner[name] for name in self._outside},
                **{name: member.flip() for name, member in inner.items() if "stat_mac_" in name},
                **{pin.name: pin.flow(pin.width) for pin in kind.pins},
                **{f"o_phy_{level.name}": Out(level.width) for level in self._levels},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.nic = nic = self._nic
        m.submodules.mac = side = self._side
        pass_through(m, self, nic, self._outside)
        pins = [pin.name for pin in self.mac.pins]
        pass_through(m, self, side, [name for name in pins if name in side.signature.members])
        # The NIC never holds a beat back.
        m.d.comb += [
            nic.i_mac.valid.eq(side.o.valid),
            nic.i_mac.payload.eq(side.o.payload),
            side.o.ready.eq(1),
        ]
        wiring.connect(m, nic.o_mac, side.i)
        for level in self.mac.control:
            name = f"cfg_phy_{level.name}"
            m.d.comb += getattr(side, name).eq(getattr(nic, name))
        for level in self.mac.status:
            m.d.comb += getattr(nic, f"i_phy_{level.name}").eq(getattr(side, f"phy_{level.name}"))
        for level in self._levels:
            m.d.comb += getattr(self, f"o_phy_{level.name}").eq(getattr(side, f"phy_{level.name}"))
        for name in self.mac.stats:
            outside = name.replace("stat_", "stat_mac_", 1)
            pulse = getattr(side, name)
            m.d.comb += [getattr(nic, outside).eq(pulse), getattr(self, outside).eq(pulse)]
        if self._mdio is not None:
            m.submodules.mdio_master = mdio = self._mdio
            wiring.connect(m, nic.o_mdio, mdio.i)
            m.d.comb += [
                nic.i_mdio.valid.eq(mdio.o.valid),
                nic.i_mdio.payload.eq(mdio.o.payload),
                self.mdc.eq(mdio.o_mdc),
                self.mdio_o.eq(mdio.o_mdio),
                self.mdio_oe.eq(mdio.o_mdio_oe),
                mdio.i_mdio.eq(self.mdio_i),
            ]
        return m
