"""RGMII on an ECP5: GMII on four pins and both edges of the clock.

Source: Reduced Gigabit Media Independent Interface (RGMII) 1.3 and 2.0, clauses 3.1 to 3.4 of
its own text; Lattice FPGA-TN-02035 (IDDRX1F, ODDRX1F, DELAYG).
"""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Instance, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RgmiiEcp5", "Speed", "TAP_PS"]

TAP_PS = 25
"""A step of an ECP5's input or output delay, typically."""


class Speed(enum.Enum, shape=2):
    """As a PHY tells it between frames."""

    MBPS_10 = 0
    MBPS_100 = 1
    MBPS_1000 = 2


class RgmiiEcp5(wiring.Component):
    """Joins `GmiiMac` to the pins of an RGMII PHY through the DDR and delay cells of an ECP5.

    Data and clock change together at their sender; somebody has to delay the clock by 1.5 to 2 ns.
    A PHY with internal delays ("RGMII-ID") does it both ways, and all delays here are 0. Otherwise
    `tx_clock_taps` delays TXC, and `rx_clock_taps` RXC.

    Parameters
    ----------
    tx_clock_taps, tx_data_taps, rx_clock_taps, rx_data_taps : int
        Delays in steps of `TAP_PS`, 0 to 127.

    Members
    -------
    rgmii_txc : Out(1), rgmii_txd : Out(4), rgmii_tx_ctl : Out(1)
        To the PHY.
    rgmii_rxc : In(1), rgmii_rxd : In(4), rgmii_rx_ctl : In(1)
        From the PHY. All of them straight at the pads.
    cfg_mii : In(1)
        10 or 100 Mb/s, as of `GmiiMac`: the nibble is on both edges.
    gmii_tx_clk : In(1)
        125, 25 or 2.5 MHz, the clock that `GmiiMac` sends with; it goes out as TXC. The PHY's
        own `gmii_rx_clk` may be used: it has the right frequency at each speed.
    gmii_txd : In(8), gmii_tx_en : In(1), gmii_tx_er : In(1)
        From `GmiiMac`.
    gmii_rx_clk : Out(1), gmii_rxd : Out(8), gmii_rx_dv : Out(1), gmii_rx_er : Out(1)
        To `GmiiMac`.
    o_link : Out(1), o_speed : Out(Speed), o_full_duplex : Out(1)
        What the PHY said between the last two frames, of `gmii_rx_clk`. A PHY need not say it
        (all 0): then MDIO must be asked.
    o_mii : Out(1)
        The same, for `cfg_mii`: not 1000 Mb/s.

    Timing: that of the cells: 2 clocks out, 2 in, with their registers; nothing is added.

    Reset: none. The status is of the first idle time after configuration.
    """

    def __init__(self, tx_clock_taps=0, tx_data_taps=0, rx_clock_taps=0, rx_data_taps=0):
        self._taps = {
            "tx_clock": tx_clock_taps,
            "tx_data": tx_data_taps,
            "rx_clock": rx_clock_taps,
            "rx_data": rx_data_taps,
        }
        for name, taps in self._taps.items():
            if not 0 <= taps <= 127:
                raise ValueError(f"{name}_taps must be from 0 to 127; got {taps}")
        super().__init__(
            {
                "rgmii_txc": Out(1),
                "rgmii_txd": Out(4),
                "rgmii_tx_ctl": Out(1),
                "rgmii_rxc": In(1),
                "rgmii_rxd": In(4),
                "rgmii_rx_ctl": In(1),
                "cfg_mii": In(1),
                "gmii_tx_clk": In(1),
                "gmii_txd": In(8),
                "gmii_tx_en": In(1),
                "gmii_tx_er": In(1),
                "gmii_rx_clk": Out(1),
                "gmii_rxd": Out(8),
                "gmii_rx_dv": Out(1),
                "gmii_rx_er": Out(1),
                "o_link": Out(1),
                "o_speed": Out(Speed),
                "o_full_duplex": Out(1),
                "o_mii": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._send(m)
        self._receive(m)
        return m

    def _delayed(self, m, name, source, what):
        """`source` behind a delay cell."""
        if not self._taps[what]:
            return source
        delayed = Signal(name=f"{name}_delayed")
        m.submodules[f"{name}_delay"] = Instance(
            "DELAYG",
            p_DEL_MODE="USER_DEFINED",
            p_DEL_VALUE=self._taps[what],
            i_A=source,
            o_Z=delayed,
        )
        return delayed

    def _out(self, m, name, pin, first, second, what):
        """A pin that is `first` while the clock is high, then `second`."""
        cell = Signal(name=f"{name}_ddr")
        m.submodules[name] = Instance(
            "ODDRX1F", i_SCLK=self.gmii_tx_clk, i_RST=Const(0), i_D0=first, i_D1=second, o_Q=cell
        )
        m.d.comb += pin.eq(self._delayed(m, name, cell, what))

    def _send(self, m):
        data = self.gmii_txd
        self._out(m, "txc", self.rgmii_txc, Const(1), Const(0), "tx_clock")
        self._out(
            m,
            "tx_ctl",
            self.rgmii_tx_ctl,
            self.gmii_tx_en,
            self.gmii_tx_en ^ self.gmii_tx_er,
            "tx_data",
        )
        for n in range(4):
            self._out(
                m,
                f"txd{n}",
                self.rgmii_txd[n],
                data[n],
                Mux(self.cfg_mii, data[n], data[4 + n]),
                "tx_data",
            )

    def _in(self, m, name, pin):
        """What the pin was at the rising edge, and at the falling one after it."""
        rising, falling = Signal(name=f"{name}_rising"), Signal(name=f"{name}_falling")
        m.submodules[name] = Instance(
            "IDDRX1F",
            i_SCLK=self.gmii_rx_clk,
            i_RST=Const(0),
            i_D=self._delayed(m, name, pin, "rx_data"),
            o_Q0=rising,
            o_Q1=falling,
        )
        return rising, falling

    def _receive(self, m):
        m.domains.rgmii_rx = ClockDomain(local=True, reset_less=True)
        m.d.comb += [
            self.gmii_rx_clk.eq(self._delayed(m, "rxc", self.rgmii_rxc, "rx_clock")),
            ClockSignal("rgmii_rx").eq(self.gmii_rx_clk),
        ]
        low, high = zip(*(self._in(m, f"rxd{n}", self.rgmii_rxd[n]) for n in range(4)))
        valid, valid_or_error = self._in(m, "rx_ctl", self.rgmii_rx_ctl)
        m.d.comb += [
            self.gmii_rxd.eq(Cat(low, high)),
            self.gmii_rx_dv.eq(valid),
            self.gmii_rx_er.eq(valid ^ valid_or_error),
            self.o_mii.eq(self.o_speed != Speed.MBPS_1000),
        ]
        with m.If(~valid & ~valid_or_error):
            m.d.rgmii_rx += [
                self.o_link.eq(low[0]),
                self.o_speed.eq(Cat(low[1:3])),
                self.o_full_duplex.eq(low[3]),
            ]
