"""`BoardTop`: a `BoardCore` at the pins of a board."""

from amaranth.hdl import ClockDomain, Elaboratable, Module, ResetInserter, Signal
from amaranth.lib import io

from ..nic.seed import BootSeed
from .clocks import EngineClock
from .core import BoardCore

__all__ = ["BoardTop", "RGMII_HZ"]

RGMII_HZ = 125e6
_PHY_RESET_SECONDS = 0.015


def _directions(resource):
    """No buffers for anything of a resource: what `request` wants for that."""
    if resource.ios and not hasattr(resource.ios[0], "ios"):
        return "-"
    return {part.name: _directions(part) for part in resource.ios}


def _request(platform, name, number):
    """The bare port of a resource, or of each of its parts."""
    return platform.request(name, number, dir=_directions(platform.lookup(name, number)))


def _part(pads, *names):
    """The port of a resource under the first of these names that it has, or None."""
    return next((getattr(pads, name) for name in names if hasattr(pads, name)), None)


class BoardTop(Elaboratable):
    """The top of a bitstream.

    Parameters
    ----------
    board : Board
    config : Config
    app, baud
        As of `BoardCore`.
    clock_mhz : float
        Of the engine.
    node : int
        Address of this node until software writes NODE.

    Clocks: `sync` from the PLL; RXC, which also sends, constrained to 125 MHz. The PHY's reset is
    held for 15 ms. The NIC is in reset until its seed is made, some 65,536 clocks.

    Errors: `ConfigError` for a clock that the PLL cannot make, or that cannot carry the wire.
    """

    def __init__(self, board, config, app, *, clock_mhz, baud, node):
        self._board, self._clock_mhz, self._node = board, clock_mhz, node
        self._core = BoardCore(config, app, clock_mhz * 1e6, baud, **board.delays)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        self._clock(m, platform)
        m.submodules.seed = seed = BootSeed("ecp5")
        core = self._core
        m.submodules.core = ResetInserter(~seed.o_ready)(core)
        m.d.comb += [core.i_node.eq(self._node), core.i_open_id_seed.eq(seed.o_seed)]
        uart = _request(platform, "uart", 0)
        self._input(m, "uart_rx", uart.rx, core.i_uart_rx)
        self._output(m, "uart_tx", uart.tx, core.o_uart_tx)
        self._ethernet(m, platform, core)
        self._leds(m, platform, core)
        return m

    def _input(self, m, name, port, signal):
        m.submodules[name] = buffer = io.Buffer(io.Direction.Input, port)
        m.d.comb += signal.eq(buffer.i)

    def _output(self, m, name, port, signal):
        m.submodules[name] = buffer = io.Buffer(io.Direction.Output, port)
        m.d.comb += buffer.o.eq(signal)

    def _clock(self, m, platform):
        oscillator = _request(platform, platform.default_clk, 0)
        m.submodules.clock = clock = EngineClock(
            platform.default_clk_frequency / 1e6, self._clock_mhz
        )
        self._input(m, "oscillator", oscillator, clock.i_clk)
        if self._board.reset:
            button = _request(platform, platform.default_rst, 0)
            self._input(m, "button", button, clock.i_rst)

    def _ethernet(self, m, platform, core):
        pads = _request(platform, *self._board.ethernet)
        platform.add_clock_constraint(pads.rx_clk.io, RGMII_HZ)
        for name, signal, *parts in (
            ("rgmii_rxc", core.rgmii_rxc, "rx_clk"),
            ("rgmii_rxd", core.rgmii_rxd, "rx_data"),
            ("rgmii_rx_ctl", core.rgmii_rx_ctl, "rx_ctl", "rx_ctrl"),
        ):
            self._input(m, name, _part(pads, *parts), signal)
        for name, signal, *parts in (
            ("rgmii_txc", core.rgmii_txc, "tx_clk"),
            ("rgmii_txd", core.rgmii_txd, "tx_data"),
            ("rgmii_tx_ctl", core.rgmii_tx_ctl, "tx_ctl", "tx_ctrl"),
            ("mdc", core.mdc, "mdc"),
        ):
            self._output(m, name, _part(pads, *parts), signal)
        m.submodules.mdio = mdio = io.Buffer(io.Direction.Bidir, pads.mdio)
        m.d.comb += [mdio.o.eq(core.mdio_o), mdio.oe.eq(core.mdio_oe), core.mdio_i.eq(mdio.i)]
        reset = _part(pads, "rst")
        if reset is not None:
            clocks = round(_PHY_RESET_SECONDS * self._clock_mhz * 1e6)
            left = Signal(range(clocks + 1), init=clocks)
            with m.If(left != 0):
                m.d.sync += left.eq(left - 1)
            self._output(m, "phy_reset", reset, left != 0)

    def _leds(self, m, platform, core):
        """What the table says; other colours of the same LEDs stay dark."""
        lit = {place: name for name, place in self._board.leds.items()}
        for number, resource in enumerate(sorted({place[:2] for place in lit})):
            pads = _request(platform, *resource)
            parts = _directions(platform.lookup(*resource))
            for part in (None,) if parts == "-" else parts:
                place = resource if part is None else (*resource, part)
                level = getattr(core, f"o_{lit[place]}") if place in lit else 0
                port = pads if part is None else getattr(pads, part)
                self._output(m, f"led{number}{part or ''}", port, level)
