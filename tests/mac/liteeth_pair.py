"""`GmiiMac` and LiteEth's MAC core with a wire between them, as one module of Verilog, `pair`.

a: ours, `MacTop`; b: LiteEth's, its `last_be` translated. Both have beats as integers, as `MacTop`
has. The wire is GMII; `spoil_ab` and `spoil_ba` turn a bit over while they are high.
"""

import re

from litex.build.sim.common import sim_special_overrides
from litex.gen import LiteXModule
from litex.gen.fhdl.verilog import convert
from migen import Cat, Signal

from tests.mac.mac_top import CONFIG, MacTop
from ttpoe.litex.streams import FromLiteEth, ToLiteEth
from ttpoe.mac.counters import STATS
from ttpoe.verilog.emit import emit_verilog
from ttpsim.synth.targets.liteeth_mac import MacCore

BEATS = {"i_beat": ("input", 74), "i_valid": ("input", 1), "i_ready": ("output", 1)}
BEATS |= {"o_beat": ("output", 74), "o_valid": ("output", 1), "o_ready": ("input", 1)}
SIDE = {"clk": ("input", 1), "rst": ("input", 1), "cfg_mii": ("input", 1), **BEATS}
COUNTS = [name.replace("stat", "count") for name in STATS]
WIRE = dict.fromkeys(("clk_ab", "clk_ba", "spoil_ab", "spoil_ba"), ("input", 1))
WIRE |= dict.fromkeys(("mid_ab", "mid_ba", "en_ab", "en_ba"), ("output", 1))
BODY = """
  wire [7:0] txd_a, txd_b;
  wire er_a, er_b;
  reg [9:0] rx_a, rx_b;
  assign mid_ab = ~clk_ab;
  assign mid_ba = ~clk_ba;
  always @(posedge mid_ab) rx_b <= {er_a, en_ab, txd_a ^ {7'b0, spoil_ab}};
  always @(posedge mid_ba) rx_a <= {er_b, en_ba, txd_b ^ {7'b0, spoil_ba}};
"""
A_PINS = {"gmii_tx_clk": "clk_ab", "gmii_rx_clk": "clk_ba", "gmii_txd": "txd_a"}
A_PINS |= {"gmii_tx_en": "en_ab", "gmii_tx_er": "er_a", "gmii_rxd": "rx_a[7:0]"}
A_PINS |= {"gmii_rx_dv": "rx_a[8]", "gmii_rx_er": "rx_a[9]", "mii_rxd": "4'd0"}
B_PINS = {"sys_clk": "b_clk", "sys_rst": "b_rst", "gmii_clk_tx": "clk_ba", "gmii_clk_rx": "clk_ab"}
B_PINS |= {"gmii_tx_data": "txd_b", "gmii_tx_en": "en_ba", "gmii_tx_er": "er_b"}
B_PINS |= {"gmii_rx_data": "rx_b[7:0]", "gmii_rx_dv": "rx_b[8]", "gmii_rx_er": "rx_b[9]"}


class Core(LiteXModule):
    """LiteEth's MAC with beats as integers."""

    def __init__(self):
        self.core, self.to, self.back = MacCore(64), ToLiteEth(CONFIG), FromLiteEth(CONFIG)
        ports = {name: Signal(width, name=name) for name, (_way, width) in BEATS.items()}
        sent, got = self.to.sink, self.back.source
        self.comb += [
            self.to.source.connect(self.core.sink),
            self.core.source.connect(self.back.sink),
            Cat(sent.data, sent.keep, sent.last, sent.error).eq(ports["i_beat"]),
            sent.valid.eq(ports["i_valid"]),
            ports["i_ready"].eq(sent.ready),
            # `error` counts with `last`.
            ports["o_beat"].eq(Cat(got.data, got.keep, got.last, got.error & got.last)),
            ports["o_valid"].eq(got.valid),
            got.ready.eq(ports["o_ready"]),
        ]
        domain = self.core.cd_sys
        self.ios = {domain.clk, domain.rst, *ports.values()}
        for record in (self.core.pads, self.core.clocks):
            self.ios |= set(record.flatten())


def pair_text():
    core = Core()
    theirs = convert(core, core.ios, name="theirs", special_overrides=sim_special_overrides)
    theirs = re.sub(r"^//.*\n", "", str(theirs), flags=re.M)  # with the date in it
    ports = {f"{side}_{name}": port for side in "ab" for name, port in SIDE.items()}
    ports |= {f"a_{name}": ("output", 16) for name in COUNTS} | WIRE
    declared = "".join(
        f"  {way} {f'[{width - 1}:0] ' if width > 1 else ''}{name};\n"
        for name, (way, width) in ports.items()
    )
    a = A_PINS | {name: f"a_{name}" for name in (*SIDE, *COUNTS)}
    b = B_PINS | {name: f"b_{name}" for name in BEATS}
    lines = [
        f"  {module} {side} ({', '.join(f'.{name}({net})' for name, net in pins.items())});\n"
        for module, side, pins in (("ours", "a", a), ("theirs", "b", b))
    ]
    top = f"module pair({', '.join(ports)});\n{declared}{BODY}{''.join(lines)}endmodule\n"
    return "\n".join([emit_verilog(MacTop(), "ours"), theirs, top])
