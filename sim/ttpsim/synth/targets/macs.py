"""The MAC for GMII beside LiteEth's MAC core: both with beats of 64 bits, through the same tools."""

import sys
from pathlib import Path

from ttpoe.config import preset
from ttpoe.mac.gmii_mac import GmiiMac
from ttpoe.verilog.emit import emit_verilog

from . import ecp5
from .tools import run, source_hash, write

TOP, LITEETH_TOP = "gmii_mac", "liteeth_mac"


def by_domain(clocks):
    """`{engine, send, receive: MHz}` of nextpnr's `{clock: MHz}`, whatever either calls them."""
    return {
        "send" if "tx" in name else "receive" if "rx" in name else "engine": mhz
        for name, mhz in clocks.items()
    }


def _routed(folder, top):
    found = ecp5.ecp5(folder, top)
    return found | {"domains": by_domain(found["clocks"])}


def gmii(folder):
    """`ttpoe.mac.gmii_mac`, placed and routed."""
    text = emit_verilog(GmiiMac(preset("default")), TOP)
    write(folder / "design.v", text)
    return _routed(folder, TOP) | {"verilog": source_hash(text)}


def liteeth(folder):
    """LiteEth's `LiteEthMACCore` behind GMII's pins, placed and routed."""
    run(
        [sys.executable, Path(__file__).with_name("liteeth_mac.py"), "design.v"],
        folder,
        "generate.log",
    )
    return _routed(folder, LITEETH_TOP)
