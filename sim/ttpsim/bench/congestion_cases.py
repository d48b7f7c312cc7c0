"""The runs of the part `congestion` of `ttpoe bench`, and what each is to reach.

`tests/sim/test_congestion_bench.py` runs a short form; docs/evidence/congestion.md has the results.
"""

from dataclasses import dataclass, field, replace

from ttpoe.config import preset
from ttpsim.bench.common import CLOCK_MHZ

__all__ = ["FIGURES", "Case", "Figure", "cases"]

SENDERS = (1, 2, 4, 8, 16, 32, 63)  # the link table surely holds the links of 64 nodes
CLOCKS = 600_000
SEEDS = 5
ALONE, MOST = 0x10, 0xEF
"""Codes of one backlogged link and of as many as can be said."""
_ACK, _PAYLOAD = {8: 8, 64: 1}, {8: 136, 64: 17}  # beats, by the bytes of a beat


@dataclass(frozen=True)
class Figure:
    """One number of a run. `where`: its names in the results of `run_fabric`, those of the second
    half of a run without an end if there are any; `per`: what it is divided by, or nothing."""

    words: str
    where: str
    unit: str
    better: str
    per: str = ""


FIGURES = {
    "goodput": Figure("goodput", "goodput", "%", "higher"),
    "back": Figure("goodput of host 0", "goodput_back", "%", "higher"),
    "network": Figure("goodput", "network_goodput", "%", "higher"),
    "fairness": Figure("fairness", "fairness", "", "higher"),
    "dropped": Figure("DATA frames dropped by full buffers", "dropped_share", "%", "lower"),
    "urgent_p50": Figure("urgent packets, median", "ping_p50", "clocks", "lower"),
    "urgent_p99": Figure("urgent packets, 99 of 100", "ping_p99", "clocks", "lower"),
    "least": Figure("who has least, of an equal share", "least", "%", "higher"),
    "rise": Figure("full rate after", "full_rate_after", "round trips", "lower", "turn"),
    "join": Figure("fair after the join", "fair_after_join", "round trips", "lower", "turn"),
    "leave": Figure("fair after the leave", "fair_after_leave", "round trips", "lower", "turn"),
}


@dataclass(frozen=True)
class Case:
    """One named run, made with several seeds.

    goals: {name of a figure: what it is to reach with congestion control}, "today" if that is what
    the engine reaches without. `figures`: the others that are shown.
    """

    name: str
    words: str
    settings: dict
    goals: dict = field(default_factory=dict)
    figures: tuple = ()
    traffic: str = "incast"
    preset: str = "default"
    seeds: int = SEEDS

    @property
    def all_figures(self):
        return (*self.goals, *self.figures)


def _reset(config):
    """Registers as after reset: LINK_SLOTS is three quarters of the slots."""
    slots = config.slots * 3 // 4
    return {"LINK_SLOTS": slots, "OLD_SLOTS": slots, "SPREAD": 1000}


def _endless(nodes, clocks=CLOCKS, ping=1024, **more):
    return {"NODES": nodes, "CLOCKS": clocks, "PING_EVERY": ping} | more


def _incasts():
    goals = {"goodput": 0.97, "fairness": 0.99, "dropped": 0.001, "urgent_p99": 2700}
    for senders in SENDERS:
        few = {name: goal for name, goal in goals.items() if senders > 1}
        yield Case(
            f"incast.{senders}",
            f"incast of {senders}",
            _endless(senders + 1),
            few,
            ("urgent_p50",) if few else ("goodput", "urgent_p99"),
        )
    for senders, size in ((8, 16384), (32, 16384), (8, 2 << 20), (32, 2 << 20)):
        yield Case(
            f"buffer.{senders}_{size // 1024}",
            f"incast of {senders}, buffer of {size // 1024:,} KB",
            # What all slots hold goes through the port in the half that is not counted.
            _endless(senders + 1, CLOCKS * (2 if size > 65536 else 1), BUFFER=size),
            {"goodput": 0.97, "fairness": 0.99},
            ("dropped", "urgent_p99"),
        )
    yield Case(
        "full.8",
        "incast of 8, `full`",
        _endless(9, 300_000),
        {name: goal for name, goal in goals.items() if name != "urgent_p99"},
        ("urgent_p99",),
        preset="full",
    )
    for senders in (8, 32, 63):
        yield Case(
            f"burst.{senders}",
            f"a burst of 32 packets from each of {senders}",
            {"NODES": senders + 1, "COUNT": 32},
            {"goodput": 0.96},
        )


def _shuffles():
    for nodes in (16, 64):
        settings = {"NODES": nodes, "COUNT": 1024 // nodes}
        words = f"all to all, {nodes} nodes"
        yield Case(f"all_to_all.{nodes}", words, settings, {"goodput": 0.975}, traffic="all_to_all")
        yield Case(
            f"all_to_all_1pct.{nodes}",
            f"{words}, 1 % lost",
            settings | {"LOSS_PPM": 10_000},
            {"goodput": 0.88},
            traffic="all_to_all",
        )
    for nodes, spines, goal in ((32, 8, 0.93), (32, 4, 0.95), (64, 8, 0.95)):
        yield Case(
            f"leaves.{nodes}_{spines}",
            f"all to all, leaves of 8, {nodes} nodes, {spines} spines",
            {"NODES": nodes, "COUNT": 16, "LEAF_HOSTS": 8, "SPINES": spines},
            {"network": goal},
            traffic="all_to_all",
        )
    yield Case(
        "permutation.32_4",
        "permutation, leaves of 8, 32 nodes, 4 spines",
        _endless(32, ping=0, LEAF_HOSTS=8, SPINES=4),
        figures=("goodput", "fairness", "dropped"),
        traffic="permutation",
    )
    yield Case(
        "reverse.8",
        "incast of 8, and host 0 sends to all of them",
        _endless(9, ping=0),
        figures=("goodput", "back", "fairness"),
        traffic="reverse",
    )


def _delay(config, microseconds):
    """Clocks of each cable so that an idle round trip is so long."""
    beat = config.width_bytes
    still = 2 * (_PAYLOAD[beat] + _ACK[beat] - 1) + 17
    return max(1, round((microseconds * CLOCK_MHZ[config.name] - still) / 4))


def _lone():
    for name, clocks, trips in (("default", 600_000, 4), ("full", 300_000, 5)):
        config = preset(name)
        for microseconds in (2.6, 10):
            delay = _delay(config, microseconds)
            settings = _endless(2, clocks, 0, DELAY=delay)
            where = f"`{name}`, RTT {microseconds:g} us"
            for loss, goals in (
                (0, {"goodput": 0.99, "rise": trips}),
                (10_000, {"goodput": "today"}),
                (100_000, {"goodput": "today"}),
            ):
                yield Case(
                    f"lone.{name}_{microseconds:g}us_{loss // 10_000}pct",
                    f"a lone flow, {where}" + (f", {loss // 10_000} % lost" if loss else ""),
                    settings | {"LOSS_PPM": loss},
                    goals,
                    preset=name,
                )


def _company():
    yield Case(
        "join.1_of_63",
        "a flow joins 62 others and leaves them",
        _endless(64, CLOCKS, 0, JOIN=1, JOIN_AT=200_000, LEAVE_AT=400_000),
        {"join": 50, "leave": 50},
    )
    yield Case(
        "modules.32_of_63",
        "incast of 63, 32 of them Tesla's module",
        _endless(64, MODULES=32),
        {"goodput": 0.97, "fairness": 0.95},
        ("dropped", "urgent_p99"),
    )
    for old in (1, 4):
        yield Case(
            f"old.{old}_of_8",
            f"incast of 8, {old} of them without congestion control, with a window of 64",
            _endless(9, OLD=old, OLD_SLOTS=0),
            figures=("goodput", "fairness", "dropped", "urgent_p99"),
        )
    yield Case(
        "loss.8_10pct",
        "incast of 8, 10 % lost",
        _endless(9, LOSS_PPM=100_000),
        {"goodput": "today"},
        ("fairness",),
    )


def _liars():
    figures = ("goodput", "least", "dropped")
    urgent = (*figures, "urgent_p99")
    for name, words, lie in (
        ("sender", "1 of them hears that it is alone", {"LIAR": 8, "HEARS": ALONE}),
        ("receiver", "host 0 says to each that it is alone", {"SAYS": ALONE}),
        ("patient", "1 of them hears that nearly 30,000 send", {"LIAR": 8, "HEARS": MOST}),
    ):
        yield Case(f"liar.{name}", f"incast of 8, {words}", _endless(9, **lie), figures=urgent)
    for name, words, code in (
        ("alone", "1 of them says to each that it is alone", ALONE),
        ("most", "1 of them says to each that nearly 30,000 send", MOST),
    ):
        yield Case(
            f"liar.all_to_all_{name}",
            f"all to all without an end, 16 nodes, {words}",
            _endless(16, ping=0, LIAR=15, SAYS=code),
            figures=figures,
            traffic="all_to_all",
        )


def _short():
    """Of every kind one, with four nodes of whatever program there is."""
    few = {"NODES": 4, "CLOCKS": 12_000, "PING_EVERY": 512, "SPREAD": 200, "BUFFER": 8192}
    yield Case("incast.3", "incast of 3", few, {"goodput": 0.97}, ("fairness",), seeds=2)
    yield Case(
        "leaves.4_1",
        "all to all, leaves of 2, 4 nodes, 1 spine",
        {"NODES": 4, "COUNT": 5, "LEAF_HOSTS": 2, "LINK_SLOTS": 4},
        {"network": 0.95},
        traffic="all_to_all",
        seeds=1,
    )
    lone = {"NODES": 2, "CLOCKS": 8000, "LINK_SLOTS": 1, "PING_EVERY": 0, "SPREAD": 0}
    yield Case("lone.1", "a lone flow", few | lone, {"rise": 4, "goodput": "today"}, seeds=1)


def cases(short=False):
    """All of them; the settings are complete, but for the seed and congestion control."""
    if short:
        return list(_short())
    found = [*_incasts(), *_shuffles(), *_lone(), *_company(), *_liars()]
    return [replace(case, settings=_reset(preset(case.preset)) | case.settings) for case in found]
