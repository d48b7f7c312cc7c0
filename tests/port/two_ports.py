"""Two ports side by side as one module of Verilog, `pair`, for cocotb; each has clocks of its own."""

from tests.emitted import emitted
from ttpverif.bench.pair import parse_ports

__all__ = ["pair_text"]

_UNUSED = ("trace_", "stat_")


def pair_text(config, mac):
    """Every port of the port `a` is a port of `pair` with `a_` in front, but for statistics and trace.

    `a_mid_tx_clk` rises in the middle of a byte time: there a model may sample, whatever its
    simulator does at edges.
    """
    core = emitted("port", config, mac)
    found = {
        name: port
        for name, port in parse_ports(core, "ttp_port").items()
        if not name.startswith(_UNUSED)
    }
    names, lines = [], []
    for side in "ab":
        for name, (direction, width) in found.items():
            bus = f"[{width - 1}:0] " if width > 1 else ""
            names.append(f"{side}_{name}")
            lines.append(f"  {direction} {bus}{side}_{name};")
        connections = ", ".join(f".{name}({side}_{name})" for name in found)
        lines.append(f"  ttp_port {side} ({connections});")
        if "rgmii_txc" in found:  # TXC as the PHY delays it
            names.append(f"{side}_phy_txc")
            lines.append(f"  input {side}_phy_txc;")
        elif "gmii_tx_clk" in found:
            names.append(f"{side}_mid_tx_clk")
            lines += [
                f"  output {side}_mid_tx_clk;",
                f"  assign {side}_mid_tx_clk = ~{side}_gmii_tx_clk;",
            ]
    body = "\n".join(lines)
    return f"{core}\nmodule pair({', '.join(names)});\n{body}\nendmodule\n"
