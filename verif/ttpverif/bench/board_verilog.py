"""The simulated top of a board: the board `a`, its netlist or its core as RTL, and a peer `b`, a core.

Every pin that matters is a port of `pair`, for the bench in `board_pair`.
"""

import re

from .pair import parse_ports

__all__ = ["board_pair"]

_PINS = {
    "clk": r"clk\w*_0__(?:io|p)",
    "rst_n": r"rst_0__io",
    "i_uart_rx": r"uart_0__rx__io",
    "o_uart_tx": r"uart_0__tx__io",
    "rgmii_rxc": r"eth_rgmii_\d__rx_clk__io",
    "rgmii_rxd": r"eth_rgmii_\d__rx_data__io",
    "rgmii_rx_ctl": r"eth_rgmii_\d__rx_ctrl?__io",
    "rgmii_txc": r"eth_rgmii_\d__tx_clk__io",
    "rgmii_txd": r"eth_rgmii_\d__tx_data__io",
    "rgmii_tx_ctl": r"eth_rgmii_\d__tx_ctrl?__io",
}
"""Name in the pair -> name in the netlist of a board."""
_SHOWN = (*_PINS, "rst", "i_node", "i_open_id_seed", "o_fault", "o_link")


def _ports(text, top):
    """`{name in the pair: (name in the module, direction, width)}` of a netlist or a core."""
    found = {}
    for name, (direction, width) in parse_ports(text, top).items():
        role = next((role for role, form in _PINS.items() if re.fullmatch(form, name)), name)
        found[role] = (name, direction, width)
    return found


def board_pair(board, peer):
    """The Verilog of `pair`, without the modules in it.

    Parameters
    ----------
    board, peer : (str, str)
        The Verilog of each, and the name of its top. Ports in `_SHOWN` become ports of the pair,
        with `a_` or `b_` in front; other outputs stay open, and other inputs are 0.
    """
    names, lines = ["oscillator"], ["  input oscillator;"]
    for side, (text, top) in (("a", board), ("b", peer)):
        connections = []
        for role, (name, direction, width) in _ports(text, top).items():
            if role in _SHOWN:
                bus = f"[{width - 1}:0] " if width > 1 else ""
                names.append(f"{side}_{role}")
                lines.append(f"  {direction} {bus}{side}_{role};")
                connections.append(f".{name}({side}_{role})")
            elif direction == "input":
                connections.append(f".{name}({width}'d0)")
        names.append(f"{side}_phy_txc")  # TXC as the PHY delays it
        lines += [f"  input {side}_phy_txc;", f"  {top} {side} ({', '.join(connections)});"]
    body = "\n".join(lines)
    return f"module pair({', '.join(names)});\n{body}\nendmodule\n"
