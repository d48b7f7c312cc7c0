"""The kinds of MAC that a port can have, as data: widths, pins, levels, counters.

The hardware (`ttpoe.port`), the register map (`csr.registers`) and the port list (`verilog.ports`)
are made from this table.
"""

from dataclasses import dataclass

from amaranth.lib.wiring import Flow, In, Out

from ..config import ConfigError
from .counters import STATS as GMII_STATS
from .hard_mac import HARD_MAC_EVENTS
from .xgmii_mac import MAC_EVENTS

__all__ = ["KINDS", "Kind", "Level", "Pin", "kind_of"]


@dataclass(frozen=True)
class Pin:
    """A port towards the PHY or the hard MAC. `idle`: what an input is tied to; None: it must be
    connected."""

    name: str
    flow: Flow
    width: int
    meaning: str
    idle: int | None = None


@dataclass(frozen=True)
class Level:
    """A field of PHY_CONTROL or PHY_STATUS: its lowest bit, its width, its value after reset."""

    name: str
    lsb: int
    width: int
    meaning: str
    reset: int = 0


@dataclass(frozen=True)
class Kind:
    """One kind of MAC.

    Parameters
    ----------
    number : int
        In DATAPATH.mac; 0 is no MAC.
    widths : tuple of int
        Widths of a beat, in bits, that it can carry.
    wire_hz, wire_bytes : float
        Clock of its pins, and bytes that the wire carries in each.
    stats : dict
        Name of its one-clock pulse -> what it counts.
    drops : tuple of str
        Those of them that say that a received frame is lost, other than MAC control.
    control, status : tuple of Level
        What software sets, and what it is told.
    mdio : bool
        Its PHY has an MDIO of clause 22.
    """

    name: str
    number: int
    widths: tuple
    wire_hz: float
    wire_bytes: float
    stats: dict
    drops: tuple
    pins: tuple
    control: tuple = ()
    status: tuple = ()
    mdio: bool = False

    def check(self, config, clock_hz=None, wire_hz=None):
        """`ConfigError` if it cannot carry the width, or the engine's clock not the wire."""
        if config.width_bits not in self.widths:
            *most, last = map(str, self.widths)
            possible = f"{', '.join(most)} or {last}" if most else last
            raise ConfigError(
                f"width_bits must be {possible} with MAC {self.name}; "
                f"got width_bits={config.width_bits}"
            )
        least = (wire_hz or self.wire_hz) * self.wire_bytes / config.width_bytes
        if clock_hz is not None and clock_hz < least:
            raise ConfigError(
                f"the engine's clock must be {least / 1e6:g} MHz or more to carry the wire of MAC "
                f"{self.name} at {config.width_bits} bits; got {clock_hz / 1e6:g}"
            )


def kind_of(name):
    """The `Kind` called `name`; `ConfigError` names those there are."""
    if name not in KINDS:
        raise ConfigError(f"the MAC must be one of {', '.join(KINDS)}; got {name!r}")
    return KINDS[name]


# fmt: off
_MDIO = (
    Pin("mdc", Out, 1, "Clock of MDIO."),
    Pin("mdio_o", Out, 1, "MDIO, if `mdio_oe`."),
    Pin("mdio_oe", Out, 1, "MDIO is driven."),
    Pin("mdio_i", In, 1, "MDIO as it is at the pin, which has a pull-up.", 1),
)
_SELECT = Pin("mii_select", Out, 1, "High at 10 and 100 Mb/s, from clk: for the multiplexer of a "
              "board that has a clock for each speed.")
_GMII = (
    Pin("gmii_tx_clk", In, 1, "125 MHz at 1000 Mb/s, else the PHY's TX_CLK. Clock of the pins "
        "that send."),
    Pin("gmii_txd", Out, 8, "TXD; bits 3:0 are those of MII."),
    Pin("gmii_tx_en", Out, 1, "TX_EN."),
    Pin("gmii_tx_er", Out, 1, "TX_ER."),
    Pin("gmii_rx_clk", In, 1, "RX_CLK of the PHY. Clock of the pins that receive."),
    Pin("gmii_rxd", In, 8, "RXD; bits 3:0 are those of MII.", 0),
    Pin("gmii_rx_dv", In, 1, "RX_DV.", 0),
    Pin("gmii_rx_er", In, 1, "RX_ER.", 0),
    _SELECT,
)
_RGMII = (
    Pin("gmii_tx_clk", In, 1, "125, 25 or 2.5 MHz, which goes out as TXC; `gmii_rx_clk` has the "
        "right frequency at each speed."),
    Pin("rgmii_txc", Out, 1, "TXC, to the pad."),
    Pin("rgmii_txd", Out, 4, "TXD, to the pads."),
    Pin("rgmii_tx_ctl", Out, 1, "TX_CTL, to the pad."),
    Pin("rgmii_rxc", In, 1, "RXC, from the pad. Clock of what receives."),
    Pin("rgmii_rxd", In, 4, "RXD, from the pads.", 0),
    Pin("rgmii_rx_ctl", In, 1, "RX_CTL, from the pad.", 0),
    Pin("gmii_rx_clk", Out, 1, "RXC behind its delay, which may drive `gmii_tx_clk`."),
    _SELECT,
)
_XGMII = (
    Pin("xgmii_tx_clk", In, 1, "156.25 MHz: 10 Gb/s; 390.625 MHz: 25 Gb/s."),
    Pin("xgmii_tx_rst", In, 1, "Resets what sends, besides rst; asynchronous.", 0),
    Pin("xgmii_txd", Out, 64, "TXD; lane 0 in bits 7:0 goes first."),
    Pin("xgmii_txc", Out, 8, "TXC, one bit for each lane."),
    Pin("xgmii_rx_clk", In, 1, "The PHY's clock of what is received."),
    Pin("xgmii_rx_rst", In, 1, "Resets what receives, besides rst; asynchronous.", 0),
    Pin("xgmii_rxd", In, 64, "RXD; lane 0 in bits 7:0 came first.", 0x0707070707070707),
    Pin("xgmii_rxc", In, 8, "RXC, one bit for each lane.", 0xFF),
)
_CMAC = (
    Pin("cmac_tx_clk", In, 1, "322.265625 MHz: clock of `m_cmac_tx_*`."),
    Pin("cmac_tx_rst", In, 1, "Resets what sends, besides rst; asynchronous.", 0),
    Pin("m_cmac_tx_tdata", Out, 512, "Frames to the hard MAC, byte 0 of the wire in bits 7:0."),
    Pin("m_cmac_tx_tkeep", Out, 64, "Bytes of this beat that count."),
    Pin("m_cmac_tx_tlast", Out, 1, "Last beat of the frame."),
    Pin("m_cmac_tx_tuser", Out, 1, "With `tlast`: the MAC is to spoil the frame."),
    Pin("m_cmac_tx_tvalid", Out, 1, "High without a break from a frame's first beat to its last."),
    Pin("m_cmac_tx_tready", In, 1, "The hard MAC takes the beat.", 1),
    Pin("cmac_rx_clk", In, 1, "322.265625 MHz: clock of `s_cmac_rx_*` and `cmac_rx_aligned`."),
    Pin("cmac_rx_rst", In, 1, "Resets what receives, besides rst; asynchronous.", 0),
    Pin("s_cmac_rx_tdata", In, 512, "Frames from the hard MAC, without FCS. There is no `tready`.",
        0),
    Pin("s_cmac_rx_tkeep", In, 64, "Bytes of this beat that count.", 0),
    Pin("s_cmac_rx_tlast", In, 1, "Last beat of the frame.", 0),
    Pin("s_cmac_rx_tuser", In, 1, "With `tlast`: the frame is bad.", 0),
    Pin("s_cmac_rx_tvalid", In, 1, "There is a beat.", 0),
    Pin("cmac_rx_aligned", In, 1, "The hard MAC's receiver is aligned: shown by PHY_STATUS.link.",
        0),
)
_MII = Level("mii", 0, 1, "10 or 100 Mb/s: nibbles. Changes while no frame is under way; one that "
             "is is spoilt.")
_FOLLOW = Level("follow", 1, 1, "While the PHY says between frames that its link is up, the speed "
                "that it says counts instead of `mii`.", 1)
_LINK = Level("link", 0, 1, "The PHY says that its link is up.")
_SPEED = (
    Level("full_duplex", 1, 1, "The PHY says full duplex. The MAC knows nothing else."),
    Level("speed", 2, 2, "The PHY says 0: 10, 1: 100, 2: 1000 Mb/s."),
    Level("mii", 4, 1, "10 or 100 Mb/s is in use."),
)
_FAULTS = (
    Level("local_fault", 8, 1, "This PHY receives nothing."),
    Level("remote_fault", 9, 1, "The other side says that it receives nothing."),
)
# fmt: on
_FRAME_ERRORS = ("stat_rx_code_error", "stat_rx_too_long", "stat_rx_runt", "stat_rx_bad_fcs")
_GMII_DROPS = ("stat_rx_overflow", *_FRAME_ERRORS, "stat_rx_bad_start")
_ALL_WIDTHS = (64, 128, 256, 512)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "rgmii",
            1,
            _ALL_WIDTHS,
            125e6,
            1,
            GMII_STATS,
            _GMII_DROPS,
            (*_RGMII, *_MDIO),
            (_MII, _FOLLOW),
            (_LINK, *_SPEED),
            mdio=True,
        ),
        Kind(
            "gmii",
            2,
            _ALL_WIDTHS,
            125e6,
            1,
            GMII_STATS,
            _GMII_DROPS,
            (*_GMII, *_MDIO),
            (_MII,),
            mdio=True,
        ),
        Kind(
            "xgmii",
            3,
            (64,),
            156.25e6,
            8,
            MAC_EVENTS,
            (*_GMII_DROPS, "stat_rx_bad_end"),
            _XGMII,
            status=_FAULTS,
        ),
        Kind(
            "cmac",
            4,
            (512,),
            322.265625e6,
            # Of the 64 in a beat the wire carries 100 Gb/s.
            12.5e9 / 322.265625e6,
            HARD_MAC_EVENTS,
            ("stat_rx_overflow", "stat_rx_bad"),
            _CMAC,
            status=(_LINK,),
        ),
    )
}
"""Name -> kind."""
