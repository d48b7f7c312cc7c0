"""A side of a port, for native programs: its Verilog, and what C++ must know of its pins."""

from amaranth.lib.wiring import In

from ttpoe.config import preset
from ttpoe.mac.kinds import KINDS
from ttpoe.port.fast import XgmiiSide
from ttpoe.port.gmii import GmiiSide
from ttpoe.verilog.emit import emit_verilog

__all__ = ["MACS", "ports_header", "side_verilog"]

_GMII_WIRE = {"gmii_rxd": "gmii_txd", "gmii_rx_dv": "gmii_tx_en", "gmii_rx_er": "gmii_tx_er"}
_XGMII_WIRE = {"xgmii_rxd": "xgmii_txd", "xgmii_rxc": "xgmii_txc"}

# Kind: (side, its clock in ps, that of the wire, {pin that receives: pin that sends}).
MACS = {
    "gmii": (GmiiSide, 10_000, 8_000, _GMII_WIRE),
    "xgmii": (XgmiiSide, 6_000, 6_400, _XGMII_WIRE),
}
_HEADER = """#pragma once
#include "Vside.h"
#define MAC_{upper} 1
#define WB {width}
#define IDLE(t) {idle}
#define LOOP(t) {loop}
#define WIRE_CLOCK(t, v) {clock}
#define STATS(X) {stats}
#define LOST_STATS(X) {lost}
#define GOOD_STATS(X) {good}
#define SENT_STATS(X) {sent}
constexpr uint64_t SYNC_PS = {sync}, WIRE_PS = {wire};
"""
_SENT = ("stat_tx_sent", "stat_tx_bad", "stat_tx_underrun")
_NOT_LOST = ("stat_rx_good", "stat_rx_false_carrier", "stat_tx_sent", "stat_tx_padded")
_NOT_LOST += ("stat_rx_local_fault", "stat_rx_remote_fault")


def side_verilog(kind):
    """The Verilog of a side, module `ttp_side`, made for its clock."""
    side, sync_ps, _wire_ps, _pins = MACS[kind]
    return emit_verilog(side(preset("tiny"), 1e12 / sync_ps), "ttp_side")


def ports_header(kind):
    """A C++ header: the model, its clocks, pins and counters. `IDLE` sets every input of the side,
    `LOOP` joins what sends to what receives."""
    _side, sync, wire, pins = MACS[kind]
    stats = KINDS[kind].stats
    inputs = [pin for pin in KINDS[kind].pins if pin.flow == In and "mdio" not in pin.name]
    idle = {pin.name: pin.idle or 0 for pin in inputs}
    idle |= {f"cfg_phy_{level.name}": 0 for level in KINDS[kind].control}
    clocks = [pin.name for pin in inputs if pin.name.endswith("_clk")]
    lists = {
        "stats": stats,
        "lost": [name for name in stats if name not in _NOT_LOST],
        "good": ["stat_rx_good"],
        "sent": [name for name in stats if name in _SENT],
    }
    return _HEADER.format(
        upper=kind.upper(),
        width=8,
        idle=" ".join(f"t->{name} = {value}ull;" for name, value in idle.items()),
        loop=" ".join(f"t->{to} = t->{pin};" for to, pin in pins.items()),
        clock=" ".join(f"t->{name} = v;" for name in clocks),
        sync=sync,
        wire=wire,
        **{name: " ".join(f"X({stat})" for stat in found) for name, found in lists.items()},
    )
