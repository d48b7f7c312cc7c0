"""Part `port`: nanoseconds of a port between its host and its pins, engine, crossings and MAC.

Two ports are wired pin to pin, each with clocks of its own. What lies between two hosts beside
them, PHYs, cable and a switch, is cited in `path`.
"""

import json
import statistics

from ttpoe.config import preset
from ttpoe.mac.kinds import KINDS
from ttpoe.verilog.emit import top_verilog
from ttpoe.verilog.generate import ECP5_CELLS
from ttpsim.bench.path import STAGES_1G
from ttpsim.board.measured import kept
from ttpsim.build import builds
from ttpsim.paths import ROOT
from ttpverif.bench.pair import parse_ports
from ttpverif.cli.errors import Failed

__all__ = ["measured", "port", "port_runs"]

MODULE = "ttpsim.bench.ports_cocotb"
BUILD = ROOT / "build" / "bench" / "port"
WIRE_PS = {"gmii": 8000, "rgmii": 8000, "xgmii": 6400}
XGMII_MHZ = 156.25
WAYS = {
    "host_to_wire": "host's last beat in to the first byte at the pins",
    "wire_to_host": "last byte of the FCS at the pins to the host's first beat out",
    "wire_to_wire": "last byte of a PAYLOAD at the pins to the first byte of its ACK at the pins",
}
_UNUSED = ("trace_", "stat_", "s_axil_", "mdc", "mdio_", "mii_select")
_JOINED = {
    "gmii": {"gmii_rxd": "gmii_txd", "gmii_rx_dv": "gmii_tx_en", "gmii_rx_er": "gmii_tx_er"},
    "rgmii": {"rgmii_rxd": "rgmii_txd", "rgmii_rx_ctl": "rgmii_tx_ctl"},
    "xgmii": {"xgmii_rxd": "xgmii_txd", "xgmii_rxc": "xgmii_txc"},
}
"""Pin that receives -> pin of the other port that sends."""
_CLOCKS = {
    "gmii": ("gmii_tx_clk", "gmii_rx_clk", ""),
    "rgmii": ("gmii_tx_clk", "rgmii_rxc", "_late"),
    "xgmii": ("xgmii_tx_clk", "xgmii_rx_clk", ""),
}
"""The clock that sends, the one that receives, and what follows the name of that on the wire."""
_BUSY = {"gmii": "{}_gmii_tx_en", "rgmii": "{}_rgmii_tx_ctl", "xgmii": "~&{}_xgmii_txc"}


def _side(side, other, mac, found):
    """Ports of `pair`, its lines, for one port."""
    names, lines, connections = [], [], []
    sends, receives, late = _CLOCKS[mac]
    pins = {pin.name for pin in KINDS[mac].pins}
    for name, (direction, width) in found.items():
        bus = f"[{width - 1}:0] " if width > 1 else ""
        if name in (sends, receives):
            wire = f"clk_{side}{other}" if name == sends else f"clk_{other}{side}{late}"
        elif name in _JOINED[mac]:
            wire = f"{other}_{_JOINED[mac][name]}"
        elif name.startswith(_UNUSED) or name in pins:
            wire = f"{width}'d0" if direction == "input" else ""
            if name in _JOINED[mac].values():
                wire = f"{side}_{name}"
                lines.append(f"  wire {bus}{wire};")
        else:
            wire = f"{side}_{name}"
            names.append(wire)
            lines.append(f"  {direction} {bus}{wire};")
        connections.append(f".{name}({wire})")
    names.append(f"{side}_busy")
    lines += [f"  output {side}_busy;", f"  assign {side}_busy = {_BUSY[mac].format(side)};"]
    return names, lines, f"  ttp_port {side} ({', '.join(connections)});"


def pair_text(config, mac, clock_hz):
    """Two ports, `a` and `b`, as one module of Verilog; `a_busy`: a frame of `a` is on the wire."""
    core = builds.kept(
        f"port-{config.name}-{mac}-{clock_hz:.0f}",
        lambda: top_verilog("port", config, mac=mac, clock_hz=clock_hz),
    )
    found = parse_ports(core, "ttp_port")
    names = [f"clk_{wire}{late}" for wire in ("ab", "ba") for late in {"", _CLOCKS[mac][2]}]
    lines, instances = [f"  input {name};" for name in names], []
    for side, other in ("ab", "ba"):
        own, more, instance = _side(side, other, mac, found)
        names += own
        lines += more
        instances.append(instance)
    body = "\n".join([*lines, *instances])
    return f"{core}\nmodule pair({', '.join(names)});\n{body}\nendmodule\n"


def measured(mac, clock_mhz, samples, processes=None):
    """`{way: [nanoseconds]}` of an idle port of preset `default` whose engine has this clock."""
    config, processes = preset("default"), processes or builds.Processes()
    text = pair_text(config, mac, clock_mhz * 1e6)
    models = [ECP5_CELLS] if mac == "rgmii" else []
    build = builds.compile_alone(text, f"port-latency-{mac}", processes, models)
    folder = BUILD / mac
    params = {"sync_ps": 1e6 / clock_mhz, "wire_ps": WIRE_PS[mac], "samples": samples, "mac": mac}
    code = builds.simulate(build, MODULE, folder, 1, params, processes, config)
    if code or not (folder / "said.json").exists():
        raise Failed(f"the latency of a port with MAC {mac} is not known; see {folder / 'log.txt'}")
    return json.loads((folder / "said.json").read_text())


def port_runs(_short):
    """None of a scenario: the part simulates by itself."""
    return []


def _reached():
    """The engine's clock in the bitstream of a board with such a port, in MHz."""
    clocks = kept()["bitstreams"]["ecpix5-echo-default"]["clocks"]
    return next(clock["reached_mhz"] for clock in clocks if clock["clock"] == "engine")


def port(_runs, metrics):
    """Each kind of MAC, and the sum over 1000BASE-T."""
    for mac in ("gmii", "rgmii") if metrics.short else WIRE_PS:
        mhz = XGMII_MHZ if mac == "xgmii" else _reached()
        said = "on paper" if mac == "xgmii" else "reached in the bitstream for the ECPIX-5"
        for way, found in measured(mac, mhz, 8 if metrics.short else 40).items():
            metrics.add(
                f"latency.port.{mac}.{way}_ns",
                statistics.mean(found),
                "ns",
                f"default, idle, 64 bytes, engine at {mhz:g} MHz ({said})",
                f"{WAYS[way]}; {len(found)} samples, {min(found):.1f} to {max(found):.1f} ns, "
                f"standard deviation {statistics.pstdev(found):.1f}; two ports in Verilator",
                "lower",
            )
    _sum(metrics)


def _sum(metrics):
    """Host to host over 1000BASE-T: what was measured, and what is cited."""
    ends = [
        metrics.value(f"latency.port.rgmii.{way}_ns") for way in ("host_to_wire", "wire_to_host")
    ]
    cited = [stage for stage in STAGES_1G if not stage[0].startswith("MACs")]
    metrics.add(
        "latency.port.rgmii.one_way_us",
        (sum(ends) + sum(ns for _, ns, _ in cited)) / 1000,
        "us",
        "default, 64 bytes, 1000BASE-T, RGMII, engines at the clock of the ECPIX-5's bitstream",
        "measured: "
        + ", ".join(f"{ns:.0f} ns" for ns in ends)
        + "; cited: "
        + "; ".join(f"{name} {ns:g} ns ({source})" for name, ns, source in cited),
        "lower",
    )
