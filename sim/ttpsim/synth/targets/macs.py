"""The MACs with beats of 64 bits: for GMII beside LiteEth's MAC core, through the same tools; for
XGMII as an estimate."""

import sys
from pathlib import Path

from ttpoe.config import preset
from ttpoe.mac.gmii_mac import GmiiMac
from ttpoe.mac.xgmii_mac import XgmiiMac
from ttpoe.verilog.emit import emit_verilog

from . import ecp5, estimates
from .tools import run, source_hash, write

TOP, LITEETH_TOP, XGMII_TOP = "gmii_mac", "liteeth_mac", "xgmii_mac"
_XGMII_HZ = 156.25e6


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


def xgmii(folder):
    """`ttpoe.mac.xgmii_mac` at 10 Gb/s, the engine as fast as the wire; for UltraScale+."""
    text = emit_verilog(XgmiiMac(preset("default"), sync_hz=_XGMII_HZ), XGMII_TOP)
    write(folder / "design.v", text)
    return estimates.xilinx(folder, XGMII_TOP) | {"verilog": source_hash(text)}


def liteeth(folder):
    """LiteEth's `LiteEthMACCore` behind GMII's pins, placed and routed."""
    run(
        [sys.executable, Path(__file__).with_name("liteeth_mac.py"), "design.v"],
        folder,
        "generate.log",
    )
    return _routed(folder, LITEETH_TOP)
