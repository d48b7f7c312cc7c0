"""`TtpNic` and `TtpPort`: the Verilog of this project as modules of a LiteX SoC.

Source: sections 7 and 8 of the protocol. Nothing is computed here: names are joined to names. The
Verilog is written when the SoC is built, beside its own.
"""

import warnings
from types import SimpleNamespace

from amaranth.hdl import UnusedElaboratable
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from litex.soc.interconnect.stream import Endpoint
from migen import ClockSignal, Constant, Instance, ResetSignal, Signal
from migen.fhdl.module import _ModuleComb

from ..mac.kinds import kind_of
from ..verilog.emit import module_name, top_verilog, wrapped
from ..verilog.ports import ports
from .files import add_verilog
from .pads import connect_pads
from .streams import (
    FromLiteEth,
    ToLiteEth,
    frame_description,
    host_rx_description,
    host_tx_description,
)

__all__ = ["TtpNic", "TtpPort"]

_CHANNELS = {
    "aw": ("i", "addr prot"),
    "w": ("i", "data strb"),
    "b": ("o", "resp"),
    "ar": ("i", "addr prot"),
    "r": ("o", "data resp"),
}
_TURNED = {"i": "o", "o": "i"}


class _Core(LiteXModule):
    """What the NIC and the port have in common.

    Parameters
    ----------
    platform : litex.build.generic_platform.GenericPlatform
        Gets the file of Verilog when the SoC is finalised.
    config : ttpoe.config.Config
    node : int
        What `node` is without a driver: the lower half of the MAC address.
    module : str or None
        Name of the Verilog module. Two cores of one SoC that are not alike need two names.
    verilog : path or None
        A file that has the module already, from `ttpoe generate`; else it is written to
        `gateware/` in the folder of the SoC's builder.

    Members
    -------
    bus : AXILiteInterface
        The registers: 64 KB, see docs/reference/registers.md. `add_to` joins it to the SoC's bus,
        whatever its standard is.
    host_tx[vc], host_rx[vc] : Endpoint
        Payloads on each VC, `streams.host_tx_description` and `host_rx_description`.
    os_tx, os_rx : Endpoint(frame_description)
        Frames of every other EtherType.
    node : Signal(24), open_id_seed : Signal(32)
        Until software writes the registers. **The seed must differ at every start.**
    rst : Signal
        Holds the core in reset, beside that of the SoC: until there is a seed.
    ready : Signal
        The memories are initialised.
    ev : EventManager
        One source, `nic`: the level that INT_STATUS and INT_MASK give.

    All of it belongs to `sys`.
    """

    comb: _ModuleComb  # for pyright; Migen makes it

    def __init__(self, platform, config, top, node, module, verilog, **port):
        self.config = config
        self._platform, self._verilog = platform, verilog
        self._top, self._module, self._port = top, module_name(module, top), port
        self._component = wrapped(top, config, **port)
        if verilog is not None:  # the component only says which ports there are
            warnings.simplefilter("ignore", UnusedElaboratable)
        self.node = Signal(24, reset=node)
        self.open_id_seed = Signal(32)
        self.rst = Signal()
        self.ready = Signal()
        self.bus = axi.AXILiteInterface(data_width=32, address_width=32)
        self.host_tx = [Endpoint(host_tx_description(config)) for _vc in range(3)]
        self.host_rx = [Endpoint(host_rx_description(config)) for _vc in range(3)]
        self.os_tx, self.os_rx = (Endpoint(frame_description(config)) for _way in range(2))
        self.ev = EventManager()
        self.ev.nic = EventSourceLevel(description="A cause of INT_STATUS that INT_MASK lets pass.")
        self.ev.finalize()
        self._connections = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal() | self.rst,
            "i_node": self.node,
            "i_open_id_seed": self.open_id_seed,
            "o_ready": self.ready,
            "o_irq": self.ev.nic.trigger,
        }
        self._join_bus()
        for vc in range(3):
            tx, rx = self.host_tx[vc], self.host_rx[vc]
            self._join(f"s_host_tx{vc}", "i", tx, tdest=tx.node)
            self._join(f"m_host_rx{vc}", "o", rx)
            user = Signal(56)
            self._connections[f"o_m_host_rx{vc}_tuser"] = user
            self.comb += [rx.node.eq(user[:24]), rx.id.eq(user[24:])]
        self._join("s_os_tx", "i", self.os_tx, tuser=self.os_tx.error)
        self._join("m_os_rx", "o", self.os_rx)

    def add_to(self, soc, name="ttp", origin=None):
        """Make this the module `name` of the SoC: registers on its bus at `origin` (or where there
        is room), an interrupt if its processor takes any."""
        soc.add_module(name, self)
        soc.bus.add_slave(name, self.bus, SoCRegion(origin=origin, size=0x10000, cached=False))
        if soc.irq.enabled:
            soc.irq.add(name, use_loc_if_exists=True)

    def _join_bus(self):
        for channel, (way, parts) in _CHANNELS.items():
            endpoint = getattr(self.bus, channel)
            for part in ("valid", *parts.split()):
                signal = getattr(endpoint, part)
                self._connections[f"{way}_s_axil_{channel}{part}"] = (
                    signal[:16] if part == "addr" else signal
                )
            self._connections[f"{_TURNED[way]}_s_axil_{channel}ready"] = endpoint.ready

    def _join(self, name, way, endpoint, held_back=True, **others):
        """The AXI4-Stream `name` to an endpoint; `way`: "i" if the core takes it."""
        signals = {
            "tvalid": endpoint.valid,
            "tdata": endpoint.data,
            "tkeep": endpoint.keep,
            "tlast": endpoint.last,
            **others,
        }
        self._connections |= {f"{way}_{name}_{part}": of for part, of in signals.items()}
        if held_back:
            self._connections[f"{_TURNED[way]}_{name}_tready"] = endpoint.ready
        else:
            self.comb += endpoint.ready.eq(1)

    def _instance(self):
        """The instance; inputs that nobody drives are tied to what the port list says."""
        for port in ports(self._component, self.config):
            key = f"i_{port.name}"
            if port.direction == "input" and key not in self._connections:
                self._connections[key] = Constant(port.idle, port.width)
        self.core = Instance(self._module, **self._connections)

    def do_finalize(self):
        if self._verilog is not None:
            self._platform.add_source(str(self._verilog))
            return
        text = top_verilog(self._top, self.config, self._module, self._component, **self._port)
        add_verilog(self._platform, self._module, text)


class TtpNic(_Core):
    """The NIC with registers, for a MAC of LiteEth or another one.

    Members, beside those of `_Core`:

    sink, source : Endpoint(eth_phy_description(config.width_bits))
        Frames from the MAC and to it, without FCS: `source` and `sink` of a `LiteEthMACCore` of
        this width. `sink` is never held back. `source` pauses in a frame only if it is held back.
    """

    def __init__(self, platform, config, node=1, module=None, verilog=None):
        super().__init__(platform, config, "managed_nic", node, module, verilog)
        self.from_mac, self.to_mac = FromLiteEth(config), ToLiteEth(config)
        self.sink, self.source = self.from_mac.sink, self.to_mac.source
        received, sent = self.from_mac.source, self.to_mac.sink
        self._join("s_mac_rx", "i", received, held_back=False, tuser=received.error)
        self._join("m_mac_tx", "o", sent)
        self._instance()


class TtpPort(_Core):
    """The NIC with a MAC of this project.

    Parameters, beside those of `_Core`:

    mac, clock_hz, options : as of `ttpoe.port.port.Port`.

    Members, beside those of `_Core`:

    pins : namespace of Signal
        The pins of the MAC, by their names in `ttpoe.mac.kinds`; inputs are idle without a driver.
        `connect_pads` joins those of RGMII and GMII to LiteX's pads.
    """

    def __init__(
        self, platform, config, mac, node=1, clock_hz=None, module=None, verilog=None, **options
    ):
        if clock_hz is not None:
            options["clock_hz"] = clock_hz
        super().__init__(platform, config, "port", node, module, verilog, mac=mac, **options)
        self.mac = kind = kind_of(mac)
        self.pins = SimpleNamespace(
            **{pin.name: Signal(pin.width, name=pin.name, reset=pin.idle or 0) for pin in kind.pins}
        )
        for pin in kind.pins:
            way = "i" if pin.flow.name == "In" else "o"
            self._connections[f"{way}_{pin.name}"] = getattr(self.pins, pin.name)
        self._instance()

    def connect_pads(self, clock_pads, pads, tx_clk=None):
        """Join `pins` to the pads "eth_clocks" and "eth" of a LiteX board: see
        `ttpoe.litex.pads`."""
        connect_pads(self, self._platform, clock_pads, pads, tx_clk)
