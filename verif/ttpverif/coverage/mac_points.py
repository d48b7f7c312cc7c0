"""The points of the coverage plan of the MACs.

A point is a condition on one MAC that is simulated, asked in every clock of one of its domains
(`mac_counting`). They are made from classes of lengths, lanes, gaps and the MAC's own counters, and
from `mac_plan.toml`, which says what stands in a condition.

Names: `KIND/received/...`, `KIND/sent/...`, `KIND/counted/NAME` and those of the plan. KIND: gmii
(also MII and RGMII), xgmii, cmac.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["KINDS", "PLAN", "MacPoint", "load", "universe"]

PLAN = Path(__file__).with_name("mac_plan.toml")
KINDS = ("gmii", "xgmii", "cmac")
_LONGEST = 9022  # with FCS
_WIRE = (
    (0, 4),
    (5, 15),
    (16, 63),
    (64, 64),
    (65, 1517),
    (1518, 1518),
    (1519, _LONGEST - 1),
    (_LONGEST, _LONGEST),
    (_LONGEST + 1, 0xFFFF),
)
"""Lengths with FCS, first and last of each class: runts, the least, the usual most, the most."""
_STREAM = (
    (1, 1),
    (2, 58),
    (59, 59),
    (60, 60),
    (61, 61),
    (62, 1513),
    (1514, 1514),
    (1515, _LONGEST - 5),
    (_LONGEST - 4, _LONGEST - 4),
)
"""The same without FCS, of frames that are to be sent: up to 59 they are padded."""
_COUNTERS = {
    "gmii": {
        "RX.": (
            "code_error",
            "too_long",
            "runt",
            "bad_fcs",
            "pause",
            "pfc",
            "control",
            "bad_start",
            "false_carrier",
        ),
        "R.rx_crossing.": ("good", "overflow"),
    },
    "xgmii": {
        "RX.": (
            "good",
            "bad_start",
            "code_error",
            "bad_end",
            "too_long",
            "runt",
            "bad_fcs",
            "pause",
            "pfc",
            "control",
            "local_fault",
            "remote_fault",
        )
    },
    "cmac": {},
}
"""Kind -> block -> its `stat_rx_*`, in the domain of what receives."""


@dataclass(frozen=True)
class MacPoint:
    """`when`: its condition, as in the plan, in the domain `clock`."""

    name: str
    what: str
    clock: str
    when: str


@cache
def load():
    """The plan as a dict."""
    return tomllib.loads(PLAN.read_text())


def _between(value, first, last):
    if first == last:
        return f"{value} == {first}"
    return f"{value} >= {first} & {value} <= {last}" if first else f"{value} <= {last}"


def _span(first, last):
    if last == 0xFFFF:
        return f"{first} bytes or more"
    if first == last:
        return f"{first} byte{'s' * (first != 1)}"
    return f"{first} to {last} bytes"


def _lengths(kind):
    if kind != "cmac":
        for first, last in _WIRE:
            span = _span(first, last)
            yield (
                f"received/{span}",
                f"a frame of {span} with FCS",
                "rx",
                f"L.ends & L.has_sfd & {_between('L.length', first, last)}",
            )
            if 64 <= first <= _LONGEST:
                yield (
                    f"sent/{span}",
                    f"a frame of {span} with FCS on the wire",
                    "tx",
                    f"W.ends & {_between('W.length', first, last)}",
                )
        for lane in range(8):
            yield (
                f"received/last beat of {lane or 8}",
                f"a frame whose last beat has {lane or 8} byte{'s' * (lane != 1)} without FCS",
                "rx",
                f"L.ends & L.length >= 64 & (L.length + 4) % 8 == {lane}",
            )
    for first, last in _STREAM:
        span = _span(first, last)
        if kind == "cmac" and first >= 60:
            yield (
                f"received/{span}",
                f"the hard MAC gives a frame of {span} without FCS",
                "rx",
                f"L.ends & {_between('L.length', first, last)}",
            )
        yield (
            f"given/{span}",
            f"the engine gives a frame of {span}",
            "sync",
            f"I.ends & {_between('I.length', first, last)}",
        )


def _counters(kind):
    for block, names in _COUNTERS[kind].items():
        for name in names:
            when = f"{block}stat_rx_{name}"
            yield f"counted/rx_{name}", f"`stat_rx_{name}`", "rx", when
    if kind == "cmac":
        for name in ("tx_sent", "tx_underrun", "rx_good", "rx_bad", "rx_overflow"):
            yield f"counted/{name}", f"`stat_{name}`", "sync", f"S.{name}"
        return
    sent = ("sent", "bad", "underrun", *(("padded",) if kind == "xgmii" else ()))
    for name in sent:
        yield f"counted/tx_{name}", f"`stat_tx_{name}`", "tx", f"TX.stat_tx_{name}"
    if kind == "xgmii":
        when = "R.rx_guard.overflowed"
        yield "counted/rx_overflow", "`stat_rx_overflow`", "rx", when


def _lanes():
    """XGMII: where frames begin and end, and the gaps of what is sent."""
    for way, line, clock in (("received", "L", "rx"), ("sent", "W", "tx")):
        for start in (0, 4):
            for end in range(8):
                yield (
                    f"{way}/from lane {start} to lane {end}",
                    f"/S/ in lane {start}, /T/ in lane {end}",
                    clock,
                    f"{line}.ends & {line}.end_char == 8'hFD & {line}.length >= 64"
                    f" & {line}.start4 == {int(start == 4)} & {line}.end_lane == {end}",
                )
    for gap in range(9, 16):
        yield f"sent/gap of {gap}", f"{gap} bytes of gap", "tx", f"W.begins & W.gap == {gap}"
    yield "sent/gap longer", "a frame that was waited for", "tx", "W.begins & W.gap > 15"
    for deficit in range(4):
        yield (
            f"sent/deficit {deficit}",
            f"the gaps so far are {deficit} bytes short of 12 each",
            "tx",
            f"W.begins & W.gap <= 15 & W.deficit == {deficit}",
        )


@cache
def universe():
    """Every point of the plan, `{name: MacPoint}`."""
    found = {}
    for kind in KINDS:
        points = [*_lengths(kind), *_counters(kind), *(_lanes() if kind == "xgmii" else ())]
        own = load()[kind]["points"].items()
        points += [(name, what, clock, when) for name, (clock, what, when) in own]
        for name, what, clock, when in points:
            assert f"{kind}/{name}" not in found, name
            found[f"{kind}/{name}"] = MacPoint(f"{kind}/{name}", what, clock, when)
    return found
