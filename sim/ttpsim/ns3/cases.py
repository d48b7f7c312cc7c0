"""The runs of docs/evidence/ns3.md."""

from dataclasses import dataclass, field

__all__ = ["CASES", "SEEDS", "VARIANTS", "Case"]

SEEDS = 3
_CLOCKS = 2_000_000


@dataclass(frozen=True)
class Case:
    """`pictured`: it has a panel of the picture."""

    words: str
    settings: dict = field(default_factory=dict)
    traffic: str = "incast"
    pictured: bool = False


def _incast(senders, **more):
    return {"NODES": senders + 1} | more


_LEAVES = {"NODES": 32, "LEAF_HOSTS": 8, "SPINES": 4, "COUNT": 256}
CASES = (
    Case("incast of 8, 64 KB each", _incast(8), pictured=True),
    Case("incast of 32, 64 KB each", _incast(32), pictured=True),
    Case("incast of 63, 64 KB each", _incast(63), pictured=True),
    Case("incast of 63, 8 KB each", _incast(63, COUNT=8), pictured=True),
    # A full buffer delays a packet by a millisecond, and TCP must not take that for a loss.
    Case(
        "incast of 32, 64 KB each, buffer of 1 MB, shortest time-out 2 ms",
        _incast(32, BUFFER=1 << 20, MIN_RTO=2000),
    ),
    *(
        Case(f"incast of {senders} without an end", _incast(senders, CLOCKS=_CLOCKS))
        for senders in (8, 32, 63)
    ),
    Case("all to all of 16, 64 KB each", {"NODES": 16}, "all_to_all", pictured=True),
    Case("permutation of 32, 4 spines, 256 KB each", _LEAVES, "permutation", pictured=True),
)
"""Of all protocols."""

_INCAST, _ALL_TO_ALL = CASES[1], CASES[-2]
VARIANTS = (
    (_INCAST, "as above", {}),
    (_INCAST, "shortest time-out 1 ms", {"MIN_RTO": 1000}),
    (_INCAST, "shortest time-out 200 ms (Linux)", {"MIN_RTO": 200_000}),
    (_INCAST, "shortest time-out 1 s (ns-3, RFC 6298)", {"MIN_RTO": 1_000_000}),
    (_INCAST, "initial window of 2 segments", {"INITIAL_WINDOW": 2}),
    (_INCAST, "initial window of 1 segment", {"INITIAL_WINDOW": 1}),
    (_INCAST, "segments of 1,448 bytes", {"SEGMENT": 1448}),
    (_INCAST, "an ACK for 2 segments", {"ACK_EVERY": 2}),
    (_INCAST, "marks from 4 KB on", {"MARK_AT": 4096}),
    (_INCAST, "marks from 8 KB on", {"MARK_AT": 8192}),
    (_INCAST, "marks from 32 KB on", {"MARK_AT": 32768}),
    (_ALL_TO_ALL, "as above", {}),
    (_ALL_TO_ALL, "shortest time-out 400 µs", {"MIN_RTO": 400}),
    (_ALL_TO_ALL, "initial window of 2 segments", {"INITIAL_WINDOW": 2}),
)
"""A run, and what is changed of TCP alone. Marks are DCTCP's."""
