"""SoCs of LiteX with TTP, without a processor: a master port on the bus, and an Ethernet PHY.

    python examples/litex/ttp_soc.py nic -o build/litex      LiteEth's MAC, host streams at pins
    python examples/litex/ttp_soc.py port -o build/litex     this project's MAC, an echo

`--wire rgmii` gives either the pins of an RGMII PHY, through the DDR cells of an ECP5. Writes
the Verilog and the list of its registers (`csr.csv`, `csr.json`). tests/litex simulates the two with
a wire between them. On a board a UARTBone takes the place of the master port.
"""

import argparse
from pathlib import Path

from liteeth.mac.core import LiteEthMACCore
from liteeth.phy.ecp5rgmii import LiteEthPHYRGMII
from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG, DDRInput, DDROutput
from litex.build.lattice.common import lattice_ecp5_special_overrides
from litex.build.sim import SimPlatform
from litex.soc.integration.export import get_csr_csv, get_csr_json
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect.axi import AXILiteInterface

from ttpoe.config import ConfigError, preset
from ttpoe.litex.cores import TtpNic, TtpPort
from ttpoe.litex.gmii_phy import GmiiPhy
from ttpoe.litex.streams import mark_last_byte

VCS = (0, 1, 2)
NODES = {"nic": 0x0A0B0C, "port": 0x112233}
REGISTERS = 0x1000_0000
WIRES = {
    "gmii": {"rx_dv": 1, "rx_er": 1, "rx_data": 8, "tx_en": 1, "tx_er": 1, "tx_data": 8},
    "rgmii": {"rx_ctl": 1, "rx_data": 4, "tx_ctl": 1, "tx_data": 4},
}


def pads(config, wire):
    """What the SoC has at its edge, and would have a board or a larger design around it."""
    stream = [("valid", 1), ("ready", 1), ("last", 1), ("node", 24)]
    stream += [("data", config.width_bits), ("keep", config.width_bytes)]

    def group(name, number, members):
        return name, number, *(Subsignal(part, Pins(width)) for part, width in members)

    return [
        ("sys_clk", 0, Pins(1)),
        ("sys_rst", 0, Pins(1)),
        ("irq", 0, Pins(1)),
        *AXILiteInterface(address_width=32).get_ios("axil"),
        group("eth_clocks", 0, [("tx", 1), ("rx", 1)]),
        group("eth", 0, WIRES[wire].items()),
        ("eth_ref", 0, Pins(1)),  # 125 MHz to send with, of RGMII: two of them have no PHY between
        *(group("host_tx", vc, stream) for vc in VCS),
        *(group("host_rx", vc, [*stream, ("id", 32)]) for vc in VCS),
    ]


class TtpSoC(SoCMini):
    """A SoC with one TTP core.

    kind : "nic", with LiteEth's MAC and PHY, or "port"
    host : "pads": the host's streams lead out; "echo": each payload goes back to its source
    seed : `open_id_seed`; **a constant is for simulations only** (docs/guides/integration.md)
    verilog : a file that has the core already
    wire : of `WIRES`
    """

    def __init__(
        self, platform, kind, config, host, seed, sys_clk_freq=100e6, verilog=None, wire="gmii"
    ):
        self.crg = CRG(platform.request("sys_clk"), platform.request("sys_rst"))
        SoCMini.__init__(self, platform, sys_clk_freq)
        clocks, eth = platform.request("eth_clocks"), platform.request("eth")
        tx_clk = platform.request("eth_ref") if wire == "rgmii" else clocks.tx
        if kind == "nic":
            self.ethphy = self._phy(wire, clocks, eth, tx_clk)
            self.ethmac = mac = LiteEthMACCore(self.ethphy, config.width_bits)
            core = TtpNic(platform, config, NODES[kind], verilog=verilog)
            self.comb += [mac.source.connect(core.sink), core.source.connect(mac.sink)]
        else:
            core = TtpPort(platform, config, wire, NODES[kind], sys_clk_freq, verilog=verilog)
            core.connect_pads(clocks, eth, tx_clk=tx_clk)
        core.add_to(self, "ttp", REGISTERS)
        self.comb += [
            core.open_id_seed.eq(seed),
            core.os_rx.ready.eq(1),  # no operating system
            platform.request("irq").eq(core.ev.irq),
        ]
        master = AXILiteInterface(address_width=32)
        self.comb += master.connect_to_pads(platform.request("axil"), mode="slave")
        self.bus.add_master("pads", master)
        for vc in VCS:
            self._host(vc, host, core.host_tx[vc], core.host_rx[vc])

    def _phy(self, wire, clocks, eth, tx_clk):
        if wire == "gmii":
            return GmiiPhy(clocks, eth)
        phy = LiteEthPHYRGMII(clocks, eth, with_hw_init_reset=False, tx_clk=tx_clk)
        mark_last_byte(phy)
        return phy

    def _host(self, vc, host, tx, rx):
        if host == "echo":
            self.comb += rx.connect(tx, omit={"id"})  # `node`: the source becomes the destination
            return
        for name, source, sink in (("host_tx", None, tx), ("host_rx", rx, None)):
            pads = self.platform.request(name, vc)
            source, sink = source or pads, sink or pads
            self.comb += pads.ready.eq(sink.ready) if sink is tx else source.ready.eq(pads.ready)
            parts = ["valid", "last", "node", "data", "keep", *(["id"] if sink is pads else [])]
            self.comb += [getattr(sink, part).eq(getattr(source, part)) for part in parts]


_ECP5 = {special: lattice_ecp5_special_overrides[special] for special in (DDRInput, DDROutput)}


def build(kind, host, seed, config, folder=None, verilog=None, wire="gmii"):
    """`(Verilog of the SoC alone, {"csr.csv": text, "csr.json": text}, other files)`."""
    platform = SimPlatform("SIM", pads(config, wire), name=f"ttp_soc_{kind}")
    platform.output_dir = folder
    soc = TtpSoC(platform, kind, config, host, seed, verilog=verilog, wire=wire)
    soc.finalize()
    text = str(platform.get_verilog(soc, name=platform.name, special_overrides=_ECP5))
    lists = {
        "csr.csv": get_csr_csv(soc.csr_regions, soc.constants, soc.mem_regions),
        "csr.json": get_csr_json(soc.csr_regions, soc.constants, soc.mem_regions),
    }
    return text, lists, [Path(source[0]) for source in platform.sources]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=list(NODES))
    parser.add_argument("-o", "--output", type=Path, default=Path("build/litex"))
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--wire", choices=list(WIRES), default="gmii")
    arguments = parser.parse_args()
    try:
        config = preset(arguments.preset)
    except ConfigError as error:
        parser.error(str(error))
    kind, folder = arguments.kind, arguments.output / arguments.kind
    host = "echo" if kind == "port" else "pads"
    text, lists, sources = build(kind, host, 1, config, folder, wire=arguments.wire)
    for name, content in {f"ttp_soc_{kind}.v": text, **lists}.items():
        (folder / name).write_text(content)
        print(folder / name)
    print(*sources, sep="\n")


if __name__ == "__main__":
    main()
