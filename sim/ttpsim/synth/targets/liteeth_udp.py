"""LiteEth's UDP core through the same tools: the open block that users pick today, beside ours."""

import sys
from pathlib import Path

from . import ecp5
from .tools import run

WIDTHS = (8, 32)
TOP = "liteeth_udp"

DOES = {
    "LiteEth UDP": "MAC (preamble, FCS, padding), ARP with one entry, IPv4, ICMP echo, UDP; one "
    "port. Does not: acknowledge, replay, order, keep links, hold back a sender",
    "TTP engine": "links, acknowledgement, selective and go-back-N replay, order, backpressure, "
    "timer, replay and receive memories. Does not: preamble and FCS (the MAC's), "
    "IP, ARP",
}
"""What each of the two is, for the report."""


def liteeth(folder):
    """Both widths placed and routed; the figures of the first, with the others under `widths`."""
    found = {}
    for width in WIDTHS:
        inside = folder / f"{width}bit"
        inside.mkdir(parents=True, exist_ok=True)
        run(
            [sys.executable, Path(__file__).with_name("liteeth_core.py"), width, "design.v"],
            inside,
            "generate.log",
        )
        found[width] = ecp5.ecp5(inside, TOP)
    return found[WIDTHS[0]] | {
        "width_bits": WIDTHS[0],
        "does": DOES,
        "widths": {str(width): found[width] for width in WIDTHS},
    }
