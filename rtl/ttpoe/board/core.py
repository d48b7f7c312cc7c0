"""`BoardCore`: what is on every board behind its pins: port, UART, registers, application, lights.

Source: section 7 of the protocol (control and status). No pin of a board is known here.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.mac import mac_drops
from ..mac.kinds import kind_of
from ..port.port import Port
from ..wires import pass_through
from .apps import APP_COMPONENTS
from .bridge import Bridge
from .lights import LIGHTS, Lights
from .register_file import RegisterFile
from .registers import board_registers
from .split import Split
from .uart import UartReceiver, UartSender, divisor

__all__ = ["BoardCore", "FAULTS"]

FAULTS = (
    *mac_drops("rgmii"),
    "stat_mac_tx_underrun",
    "stat_payload_replayed",
    "stat_link_lost",
    "stat_memory_corrected",
    "stat_memory_uncorrectable",
)
"""Pulses of the port that light the LED of faults; the application has one more."""
_PATIENCE_SECONDS = 0.1


class BoardCore(wiring.Component):
    """A port of RGMII, controlled through a UART, with an application at its streams.

    Parameters
    ----------
    config : Config
    app : str
        Of `apps.APP_COMPONENTS`.
    clock_hz : float
        Of `sync`.
    baud : int
        Of the UART.
    options
        Of the port: delays of RGMII.

    Members
    -------
    the pins of a MAC of kind "rgmii", but for those of its clocks
        See `mac.kinds`. TXC is RXC behind its delay, which is right at each speed.
    i_node : In(24), i_open_id_seed : In(32)
        As of `nic.managed.ManagedNic`.
    i_uart_rx : In(1), o_uart_tx : Out(1)
    o_link, o_receive, o_transmit, o_fault : Out(1)
        See `lights.Lights` and `FAULTS`.

    Registers: those of the port at their addresses, those of `board_registers` above.

    Timing and reset: those of the parts.

    Errors: `ConfigError` for a clock that cannot carry the wire, or the UART.
    """

    def __init__(self, config, app, clock_hz, baud, **options):
        bit = divisor(clock_hz, baud)
        self._port = Port(config, "rgmii", clock_hz=clock_hz, phy_levels=True, **options)
        self._app = APP_COMPONENTS[app](config)
        self._registers = RegisterFile(board_registers(app, clock_hz))
        self._bridge = Bridge(bit, round(clock_hz * _PATIENCE_SECONDS))
        self._receiver, self._sender = UartReceiver(bit), UartSender(bit)
        self._lights = Lights(clock_hz)
        names = [pin.name for pin in kind_of("rgmii").pins]
        self._pins = [name for name in names if not name.startswith(("gmii_", "mii_"))]
        port = self._port.signature.members
        super().__init__(
            {
                **{name: port[name] for name in self._pins},
                "i_node": In(24),
                "i_open_id_seed": In(32),
                "i_uart_rx": In(1),
                "o_uart_tx": Out(1),
                **{f"o_{name}": Out(1) for name in LIGHTS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.port = port = self._port
        m.submodules.app = app = self._app
        pass_through(m, self, port, [*self._pins, "i_node", "i_open_id_seed"])
        m.d.comb += [port.gmii_tx_clk.eq(port.gmii_rx_clk), port.o_os.ready.eq(1)]
        for vc in range(3):
            wiring.connect(m, port.o_host[vc], app.i[vc])
            wiring.connect(m, app.o[vc], port.i_host[vc])
        self._control(m, port)
        self._show(m, port, app)
        return m

    def _control(self, m, port):
        """From the UART to the registers."""
        m.submodules.receiver, m.submodules.sender = receiver, sender = self._receiver, self._sender
        m.submodules.bridge = bridge = self._bridge
        m.submodules.split = split = Split()
        m.submodules.registers = self._registers
        wiring.connect(m, receiver.o, bridge.i)
        wiring.connect(m, bridge.o, sender.i)
        wiring.connect(m, bridge.m_axil, split.s_axil)
        wiring.connect(m, split.m_low, port.s_axil)
        wiring.connect(m, split.m_high, self._registers.s_axil)
        m.d.comb += [
            receiver.i_rx.eq(self.i_uart_rx),
            bridge.i_broken.eq(receiver.o_broken),
            self.o_uart_tx.eq(sender.o_tx),
        ]

    def _show(self, m, port, app):
        """Registers and lights."""
        registers, time = self._registers, Signal(32)
        m.submodules.lights = lights = self._lights
        m.d.sync += time.eq(time + 1)
        m.d.comb += [
            registers.i_board_time_value.eq(time),
            lights.i_link.eq(port.o_phy_link),
            lights.i_receive.eq(port.stat_mac_rx_good),
            lights.i_transmit.eq(port.stat_mac_tx_sent),
            lights.i_fault.eq(Cat(*(getattr(port, name) for name in FAULTS), app.fault).any()),
            lights.i_clear.eq(registers.o_board_leds_fault),
        ]
        for name in LIGHTS:
            shown = getattr(lights, f"o_{name}")
            m.d.comb += [
                getattr(registers, f"i_board_leds_{name}").eq(shown),
                getattr(self, f"o_{name}").eq(shown),
            ]
        for name, member in app.signature.members.items():
            if f"i_{name}" in registers.signature.members:
                m.d.comb += getattr(registers, f"i_{name}").eq(getattr(app, name))
            elif f"o_{name}" in registers.signature.members:
                m.d.comb += getattr(app, name).eq(getattr(registers, f"o_{name}"))
