"""The pins of a port at the pads that LiteX's boards have for Ethernet.

Source: the names of litex_boards: "eth_clocks" (tx, rx; GMII also gtx), "eth" (tx_ctl, tx_data,
rx_ctl, rx_data of RGMII; tx_en, tx_er, tx_data, rx_dv, rx_er, rx_data of GMII; mdc, mdio, rst_n).
"""

from litex.build.io import DDROutput
from migen import ResetSignal
from migen.fhdl.specials import Tristate

from ..config import ConfigError

__all__ = ["connect_pads"]

# Pad -> pin.
_OUTPUTS = {
    "rgmii": {"tx_ctl": "rgmii_tx_ctl", "tx_data": "rgmii_txd"},
    "gmii": {"tx_en": "gmii_tx_en", "tx_er": "gmii_tx_er", "tx_data": "gmii_txd"},
}
_INPUTS = {
    "rgmii": {"rx_ctl": "rgmii_rx_ctl", "rx_data": "rgmii_rxd"},
    "gmii": {"rx_dv": "gmii_rx_dv", "rx_er": "gmii_rx_er", "rx_data": "gmii_rxd"},
}
_OPTIONAL = ("tx_er", "rx_er")
_RX_CLOCK = {"rgmii": "rgmii_rxc", "gmii": "gmii_rx_clk"}


def connect_pads(port, platform, clock_pads, pads, tx_clk=None):
    """Join the pins of a `ttpoe.litex.cores.TtpPort` with RGMII or GMII to pads.

    tx_clk : Signal or None
        The clock that sends; None: that of the PHY, as LiteEth does.

    The clock of the PHY gets its period as a constraint. `rst_n` is low while the core is in
    reset. MDIO needs a pull-up at the pad. `ConfigError`: another kind of MAC.
    """
    kind, pins = port.mac.name, port.pins
    if kind not in _OUTPUTS:
        raise ConfigError(f"only the pins of rgmii and gmii have pads in LiteX; got MAC {kind}")
    optional = [pad for pad in _OPTIONAL if not hasattr(pads, pad)]
    port.comb += [
        getattr(pads, pad).eq(getattr(pins, pin))
        for pad, pin in _OUTPUTS[kind].items()
        if pad not in optional
    ]
    port.comb += [
        getattr(pins, pin).eq(getattr(pads, pad))
        for pad, pin in _INPUTS[kind].items()
        if pad not in optional
    ]
    port.comb += getattr(pins, _RX_CLOCK[kind]).eq(clock_pads.rx)
    if tx_clk is None:
        tx_clk = pins.gmii_rx_clk if kind == "rgmii" else clock_pads.rx
    port.comb += pins.gmii_tx_clk.eq(tx_clk)
    if kind == "rgmii":
        port.comb += clock_pads.tx.eq(pins.rgmii_txc)
    elif hasattr(clock_pads, "gtx"):
        port.specials += DDROutput(1, 0, clock_pads.gtx, tx_clk)
    if hasattr(pads, "rst_n"):
        port.comb += pads.rst_n.eq(~(ResetSignal() | port.rst))
    if hasattr(pads, "mdc"):
        port.comb += pads.mdc.eq(pins.mdc)
        port.specials += Tristate(pads.mdio, pins.mdio_o, pins.mdio_oe, pins.mdio_i)
    if hasattr(platform.toolchain, "add_period_constraint"):  # that of a simulation has not
        platform.add_period_constraint(clock_pads.rx, 1e9 / port.mac.wire_hz)
