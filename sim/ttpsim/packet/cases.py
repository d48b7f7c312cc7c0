"""The runs of docs/evidence/packet.md."""

from dataclasses import dataclass

__all__ = ["CASES", "LARGE", "Case"]


@dataclass(frozen=True)
class Case:
    """`lossless`: nothing is dropped, so the order of arrival is to be the same."""

    words: str
    settings: dict
    traffic: str = "incast"
    lossless: bool = True


_INCASTS = {1: 100_000, 8: 100_000, 16: 60_000, 32: 40_000, 63: 25_000}


def _incast(senders, clocks, **more):
    return {"NODES": senders + 1, "CLOCKS": clocks, "LINK_SLOTS": 48, "SPREAD": 1000} | more


def _lossless():
    for senders, clocks in _INCASTS.items():
        yield Case(f"incast of {senders}, law on", _incast(senders, clocks))
    for senders in (8, 32):
        settings = _incast(senders, _INCASTS[senders], PING_EVERY=1024)
        yield Case(f"incast of {senders}, law on, urgent packets", settings)
    yield Case("incast of 8, slots that fit", _incast(8, 100_000, CONGESTION=0, LINK_SLOTS=7))
    for nodes in (16, 32):
        settings = {"NODES": nodes, "COUNT": 128 // nodes}
        yield Case(f"all to all, {nodes} nodes, law on", settings, "all_to_all")
        off = settings | {"CONGESTION": 0}
        yield Case(f"all to all, {nodes} nodes, law off", off, "all_to_all")


def _with_loss():
    for senders, clocks in ((4, 100_000), (8, 100_000), (32, 40_000)):
        settings = _incast(senders, clocks, CONGESTION=0, LINK_SLOTS=0)
        yield Case(f"incast of {senders}, law off", settings, lossless=False)
    gbn = _incast(8, 100_000, CONGESTION=0, LINK_SLOTS=0, SELECTIVE=0)
    yield Case("incast of 8, law off, go-back-N", gbn, lossless=False)
    small = _incast(32, 40_000, BUFFER=16384)
    yield Case("incast of 32, law on, buffer of 16 KB", small, lossless=False)
    loss = _incast(8, 100_000, LOSS_PPM=10_000)
    yield Case("incast of 8, law on, 1 % lost", loss, lossless=False)
    leaves = {"NODES": 16, "CLOCKS": 40_000, "LEAF_HOSTS": 8, "SPINES": 4, "LINK_SLOTS": 48}
    yield Case("permutation, leaves of 8, 4 spines", leaves, "permutation", lossless=False)


def _large():
    for senders in (1000, 10_000):
        yield Case(f"incast of {senders:,}", _incast(senders, 1_000_000))
    tree = {"NODES": 10_000, "FAT_TREE": 36, "LINK_SLOTS": 48, "SPREAD": 1000}
    yield Case(
        "ring of 10,000 on a fat tree of 36 ports, 50 steps of 4 packets",
        tree | {"COUNT": 4, "STEPS": 50},
        "ring",
    )
    yield Case(
        "permutation of 10,000 on a fat tree of 36 ports", tree | {"CLOCKS": 50_000}, "permutation"
    )


CASES = (*_lossless(), *_with_loss())
"""Made in both."""
LARGE = tuple(_large())
"""Made in the packet model alone."""
