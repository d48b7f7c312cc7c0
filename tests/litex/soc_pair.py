"""The two SoCs of examples/litex with a wire between them, as one module of Verilog, `pair`.

a: the NIC with LiteEth's MAC, host streams at pins. b: the port with the MAC of this project, an
echo. `spoil_ab` and `spoil_ba` turn a bit of each byte on the wire over while they are high.

The wire is GMII, or RGMII without a PHY: `clk_ab_late` is what TXC of a becomes on a wire that delays
it by a quarter of its period, and RXC of b. `txc_wrong` if TXC is not what was delayed.
"""

import importlib.util
import json
import re
from pathlib import Path

from ttpoe.config import preset
from ttpoe.verilog.emit import top_verilog
from ttpsim.build.builds import Processes, emitted, kept

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "litex" / "ttp_soc.py"
CONFIG = preset("tiny")
CLOCK_HZ = 100e6  # what the example says of its SoCs
_PARTS = {"valid": "tvalid", "ready": "tready", "last": "tlast", "data": "tdata", "keep": "tkeep"}
_GMII = """
  reg [9:0] a_rx, b_rx;
  always @(negedge clk_ab) b_rx <= {a_tx_er, a_tx_en, a_txd ^ {7'b0, spoil_ab}};
  always @(negedge clk_ba) a_rx <= {b_tx_er, b_tx_en, b_txd ^ {7'b0, spoil_ba}};
"""
_RGMII = """
  wire [4:0] b_rx = {a_tx_ctl, a_txd ^ {3'b0, spoil_ab}};
  wire [4:0] a_rx = {b_tx_ctl, b_txd ^ {3'b0, spoil_ba}};
  reg [3:0] wrong;
  assign txc_wrong = |wrong;
  always @(posedge clk_ab_late) wrong[0] <= ~a_sys_rst & (wrong[0] | ~a_txc);
  always @(negedge clk_ab_late) wrong[1] <= ~a_sys_rst & (wrong[1] | a_txc);
  always @(posedge clk_ba_late) wrong[2] <= ~a_sys_rst & (wrong[2] | ~b_txc);
  always @(negedge clk_ba_late) wrong[3] <= ~a_sys_rst & (wrong[3] | b_txc);
"""


def example():
    """The module examples/litex/ttp_soc.py."""
    spec = importlib.util.spec_from_file_location("ttp_soc", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cores(wire):
    """Verilog of the NIC and of the port, each made once; that of the NIC is also of other tests."""
    port = kept(
        f"litex-port-{wire}", lambda: top_verilog("port", CONFIG, mac=wire, clock_hz=CLOCK_HZ)
    )
    return [emitted(CONFIG, Processes(), "managed_nic").read_text(), port]


def ports_of(text, module):
    """`{name: (direction, width)}` of a module that LiteX wrote."""
    header = re.search(rf"^module {module} \((.*?)^\);", text, re.M | re.S)[1]
    return {
        name: (way, int(high or 0) + 1)
        for way, high, name in re.findall(
            r"^ +(input|output) +(?:wire|reg) +(?:\[(\d+):0\] +)?(\w+),?$", header, re.M
        )
    }


def _outside(side, name):
    """A port of a SoC as a port of `pair`, with the names of AXI4-Stream."""
    found = re.fullmatch(r"host_(tx|rx)(\d)_(\w+)", name)
    if not found:
        return f"{side}_{name}"
    way, vc, part = found.groups()
    part = _PARTS.get(part) or ("tdest" if way == "tx" else part)
    return f"{side}_{'s' if way == 'tx' else 'm'}_host_{way}{vc}_{part}"


def _wired(side, own, other):
    """Ports of a SoC that lead to the wire, of GMII and of RGMII."""
    both = {"eth_tx_data": f"{side}_txd", "sim_trace": ""}
    return {
        "gmii": {
            **both,
            "eth_clocks_tx": f"clk_{own}",
            "eth_clocks_rx": f"clk_{other}",
            "eth_rx_data": f"{side}_rx[7:0]",
            "eth_rx_dv": f"{side}_rx[8]",
            "eth_rx_er": f"{side}_rx[9]",
            "eth_tx_en": f"{side}_tx_en",
            "eth_tx_er": f"{side}_tx_er",
        },
        "rgmii": {
            **both,
            "eth_ref": f"clk_{own}",
            "eth_clocks_tx": f"{side}_txc",
            "eth_clocks_rx": f"clk_{other}_late",
            "eth_rx_data": f"{side}_rx[3:0]",
            "eth_rx_ctl": f"{side}_rx[4]",
            "eth_tx_ctl": f"{side}_tx_ctl",
        },
    }


_DRIVEN = {
    "gmii": "wire [7:0] {0}_txd; wire {0}_tx_en, {0}_tx_er;",
    "rgmii": "wire [3:0] {0}_txd; wire {0}_tx_ctl, {0}_txc;",
}


def _instance(side, module, text, wire):
    """(ports of `pair`, the instance) of one SoC."""
    other = "ba" if side == "a" else "ab"
    wired = _wired(side, other[::-1], other)[wire]
    found = ports_of(text, module)
    outside = {_outside(side, name): port for name, port in found.items() if name not in wired}
    joined = ", ".join(f".{name}({wired.get(name, _outside(side, name))})" for name in found)
    return outside, f"  {module} {side} ({joined});"


def pair(wire):
    """`(Verilog, {side: addresses of LiteX's registers})`."""
    soc, texts, maps, ports, lines = example(), [], {}, {}, []
    for side, kind, host in (("a", "nic", "pads"), ("b", "port", "echo")):
        text, lists, _files = soc.build(
            kind, host, 7 + ord(side), CONFIG, verilog="elsewhere.v", wire=wire
        )
        texts.append(re.sub(r"^//.*\n", "", text, flags=re.M))  # with the date in it
        found = json.loads(lists["csr.json"])["csr_registers"]
        maps[side] = {name: entry["addr"] for name, entry in found.items()}
        outside, line = _instance(side, f"ttp_soc_{kind}", text, wire)
        ports |= outside
        lines += [f"  {_DRIVEN[wire].format(side)}", line]
    inputs = ["clk_ab", "clk_ba", "spoil_ab", "spoil_ba"]
    if wire == "rgmii":
        inputs += ["clk_ab_late", "clk_ba_late"]
        ports["txc_wrong"] = ("output", 1)
    ports |= dict.fromkeys(inputs, ("input", 1))
    declared = [
        f"  {way} {f'[{width - 1}:0] ' if width > 1 else ''}{name};"
        for name, (way, width) in ports.items()
    ]
    body = "\n".join([*declared, *lines])
    top = f"module pair({', '.join(ports)});\n{body}{_RGMII if wire == 'rgmii' else _GMII}\nendmodule\n"
    return "\n".join([*cores(wire), *texts, top]), maps
