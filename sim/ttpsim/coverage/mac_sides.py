"""Where the MACs lie in the benches of `tests/mac` and `tests/port`, for `ttpverif.coverage`.

The names are those of the emitted Verilog: a compiler refuses a wrong one.
"""

from ttpoe.config import preset
from ttpoe.mac.ethernet import FCS_BYTES, LONGEST_BYTES
from ttpoe.mac.store import SLACK_BEATS, beats_before_start, beats_of
from ttpverif.coverage.mac_counting import MacSide

__all__ = ["SIDES"]

_LONGEST = LONGEST_BYTES - FCS_BYTES


def _beats(place, reset, ready="ready"):
    return {
        "rst": reset,
        "valid": f"{place}__valid",
        "ready": f"{place}__{ready}" if ready == "ready" else ready,
        "payload": f"{place}__payload",
    }


def _gmii(root, sync, rgmii=None, start=1):
    """`GmiiMac` at `root`; `sync`: in front of the engine's clock and reset."""
    rx_reset, tx_reset = f"{root}.rx.mac_rx_rst", f"{root}.tx.mac_tx_rst"
    blocks = {"R": f"{root}.", "RX": f"{root}.rx.", "TX": f"{root}.tx."}
    return MacSide(
        "gmii",
        {"sync": f"{sync}clk", "rx": f"{root}.rx.mac_rx_clk", "tx": f"{root}.tx.mac_tx_clk"},
        blocks | ({"G": f"{rgmii}."} if rgmii else {}),
        {
            "RX_RST": rx_reset,
            "TX_RST": tx_reset,
            "MII": f"{root}.rx_nibbles.cfg_mii",
            "TX_MII": f"{root}.tx_nibbles.cfg_mii",
            "START": start,
        },
        {
            "L": {
                "rst": rx_reset,
                "step": f"{root}.rx.step",
                "en": f"{root}.rx.i_dv",
                "er": f"{root}.rx.i_er",
                "d": f"{root}.rx.i_data",
            },
            "W": {
                "rst": tx_reset,
                "step": f"{root}.tx.step",
                "en": f"{root}.tx.o_en",
                "er": f"{root}.tx.o_er",
                "d": f"{root}.tx.o_data",
            },
            "I": _beats(f"{root}.tx_crossing.i", f"{sync}rst"),
            "O": _beats(f"{root}.rx_crossing.o", f"{sync}rst"),
        },
    )


def _xgmii(root, sync, pins, clocks, start, parts="rx tx"):
    """`XgmiiMac` at `root`, or one of its halves; `pins`: in front of `rxd` and `txc`; `clocks`:
    those of what receives and sends, with their resets behind them."""
    whole = parts == "rx tx"
    (rx_clock, rx_reset), (tx_clock, tx_reset) = clocks
    blocks, words, lines, domains = {}, {"RST": f"{sync}rst"}, {}, {"sync": f"{sync}clk"}
    if "rx" in parts:
        blocks["RX"] = f"{root}.rx." if whole else f"{root}."
        domains["rx"], words["RX_RST"] = rx_clock, rx_reset
        ways = [pins.format("rx" if whole else "") + wire for wire in "dc"]
        lines["L"] = {"rst": rx_reset, "d": ways[0], "c": ways[1]}
        lines["O"] = (
            _beats(f"{root}.rx_crossing.o", f"{sync}rst")
            if whole
            else _beats(f"{root}.o", f"{sync}rst", "1'b1")
        )
    if "tx" in parts:
        blocks["TX"] = f"{root}.tx." if whole else f"{root}."
        domains["tx"], words["TX_RST"], words["START"] = tx_clock, tx_reset, start
        ways = [pins.format("tx" if whole else "") + wire for wire in "dc"]
        lines["W"] = {"rst": tx_reset, "d": ways[0], "c": ways[1]}
        lines["I"] = _beats(f"{root}.tx_crossing.i" if whole else f"{root}.i", f"{sync}rst")
    if whole:
        blocks["R"] = f"{root}."
    return MacSide("xgmii", domains, blocks, words, lines)


def _cmac(root, sync, stats, axis, clocks, start):
    """`HardMac` at `root`; `stats`: in front of its pulses; `axis`: of its two streams."""
    (rx_clock, rx_reset), (tx_clock, tx_reset) = clocks

    def stream(prefix, reset, ready):
        parts = ("tuser", "tlast", "tkeep", "tdata")
        return {
            "rst": reset,
            "valid": f"{prefix}_tvalid",
            "ready": ready,
            "payload": "{" + ", ".join(f"{prefix}_{part}" for part in parts) + "}",
        }

    return MacSide(
        "cmac",
        {"sync": f"{sync}clk", "rx": rx_clock, "tx": tx_clock},
        {"R": f"{root}.", "S": stats},
        {"RST": f"{sync}rst", "RX_RST": rx_reset, "TX_RST": tx_reset, "START": start},
        {
            "L": stream(axis.format("s", "rx"), rx_reset, "1'b1"),
            "W": stream(axis.format("m", "tx"), tx_reset, axis.format("m", "tx") + "_tready"),
            "I": _beats(f"{root}.tx_crossing.i", f"{sync}rst"),
            "O": _beats(f"{root}.rx_crossing.o", f"{sync}rst"),
        },
        64,
    )


def _of_port(kind, side):
    """The MAC of the port `side` of two."""
    root, sync = f"pair.{side}.core.mac.mac", f"pair.{side}_"
    domains = [(f"{root}.mac_{way}_clk", f"{root}.mac_{way}_rst") for way in ("rx", "tx")]
    config = preset("tiny").replace(width_bits=512 if kind == "cmac" else 64)
    if kind == "xgmii":
        whole = beats_of(config, LONGEST_BYTES)
        return _xgmii(root, sync, f"pair.{side}_xgmii_{{}}", domains, whole)
    if kind == "cmac":
        axis = f"pair.{side}_{{}}_cmac_{{}}"
        whole = beats_of(config, _LONGEST)
        return _cmac(root, sync, f"pair.{side}.stat_mac_", axis, domains, whole)
    rgmii = f"pair.{side}.core.mac.rgmii" if kind == "rgmii" else None
    return _gmii(root, sync, rgmii)


_SLOW_HZ = 125e6  # of the engine beside `XgmiiMac` and `HardMac`
_TINY, _FULL = preset("tiny"), preset("full")

SIDES = {
    "mac-gmii": [_gmii("pair.mac", "pair.")],
    "mac-rgmii": [_gmii("pair.top.mac", "pair.", "pair.rgmii")],
    "mac-liteeth": [_gmii("pair.a.mac", "pair.a_")],
    "mac-rx": [_xgmii("pair", "pair.", "pair.xgmii_{}", [("pair.clk", "pair.rst")] * 2, 0, "rx")],
    "mac-tx": [
        _xgmii("pair", "pair.", "pair.xgmii_{}", [("pair.clk", "pair.rst")] * 2, SLACK_BEATS, "tx")
    ],
    "mac-xgmii": [
        _xgmii(
            "pair",
            "pair.",
            "pair.xgmii_{}",
            [(f"pair.xgmii_{way}_clk", f"pair.xgmii_{way}_rst") for way in ("rx", "tx")],
            beats_before_start(_TINY, _LONGEST, _SLOW_HZ, 156.25e6),
        )
    ],
    "mac-hard": [
        _cmac(
            "pair",
            "pair.",
            "pair.stat_",
            "pair.{}_axis",
            [(f"pair.mac_{way}_clk", f"pair.mac_{way}_rst") for way in ("rx", "tx")],
            beats_before_start(_FULL, _LONGEST, _SLOW_HZ, 322.265625e6),
        )
    ],
    **{
        f"port-{kind}": [_of_port(kind, side) for side in "ab"]
        for kind in ("rgmii", "gmii", "xgmii", "cmac")
    },
}
"""Name of a bench -> its MACs. The name is what `tests/mac/mac_bench.py` is told."""
