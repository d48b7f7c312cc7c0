"""The runs of docs/evidence/ns3.md."""

from dataclasses import dataclass, field

__all__ = ["CASES", "SEEDS", "VARIANTS", "VARIED", "Case"]

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
    Case("incast of 32, 64 KB each, buffer of 1 MB", _incast(32, BUFFER=1 << 20)),
    *(
        Case(f"incast of {senders} without an end", _incast(senders, CLOCKS=_CLOCKS))
        for senders in (8, 32, 63)
    ),
    Case("all to all of 16, 64 KB each", {"NODES": 16}, "all_to_all", pictured=True),
    Case("permutation of 32, 4 spines, 256 KB each", _LEAVES, "permutation", pictured=True),
)
"""Of all protocols."""

VARIED = CASES[1]
"""The run whose settings of TCP are changed."""
VARIANTS = (
    ("as above", {}),
    ("shortest time-out 1 ms", {"MIN_RTO": 1000}),
    ("shortest time-out 200 ms (Linux)", {"MIN_RTO": 200_000}),
    ("shortest time-out 1 s (ns-3, RFC 6298)", {"MIN_RTO": 1_000_000}),
    ("initial window of 2 segments", {"INITIAL_WINDOW": 2}),
    ("initial window of 1 segment", {"INITIAL_WINDOW": 1}),
    ("segments of 1,448 bytes", {"SEGMENT": 1448}),
    ("an ACK for 2 segments", {"ACK_EVERY": 2}),
    ("marks from 4 KB on", {"MARK_AT": 4096}),
    ("marks from 8 KB on", {"MARK_AT": 8192}),
    ("marks from 32 KB on", {"MARK_AT": 32768}),
)
"""Of TCP alone. Marks are DCTCP's."""
