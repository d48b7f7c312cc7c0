"""Part `links` of `ttpoe bench`: what more links cost (S12), in clocks; the last sweep."""

from ttpoe.config import preset
from ttpsim.bench.common import SIMULATED, run_of
from ttpsim.synth.targets import links

TICK = 4


def links_runs(short):
    sizes = links.configurations()
    configs = [preset("tiny")] if short else [sizes[16], sizes[512], sizes[16384]]
    return [
        run_of("ttpsim.bench.scenarios", "timer", config, label=f".{config.links}", tick=TICK)
        for config in configs
    ]


def links_part(runs, metrics):
    worst = 0.0
    for run in runs:
        found, count = run.summary["timer"], run.config.links
        worst = max(worst, *(abs(clocks / found["expected"] - 1) for clocks in found["rounds"]))
        metrics.add(
            f"scale.timer_round_clocks.{count}_links",
            max(found["rounds"]),
            "clocks",
            f"{count} links, a visit every {found['tick']} clocks",
            f"{count} x {found['tick']} = {found['expected']} as calculated; {SIMULATED}",
            "lower",
            found["expected"],
        )
        metrics.add(
            f"scale.timeout_rounds.{count}_links",
            found["timeout_rounds"],
            "rounds",
            f"{count} links",
            "a payload without an answer is sent again between one and "
            f"two rounds after it was sent; {SIMULATED}",
            "lower",
            2 + 40 / found["expected"],
        )
    metrics.add(
        "scale.timer_round_deviation",
        worst,
        "share",
        ", ".join(str(run.config.links) for run in runs) + " links",
        "round / (links x tick) - 1",
        "lower",
        0,
    )


def sweep(metrics):
    """Figures of the last `ttpoe synth --sweep links`."""
    done = links.results()
    for count, found in sorted(done.items()):
        where = f"default with {count} links, ECP5"
        for key, unit, method in (
            ("lut4", "LUT4", "Yosys synth_ecp5 -nowidelut"),
            ("lut4_without_table", "LUT4", "the same, the tag memory as a black box"),
            ("dp16kd", "RAM", f"block RAMs of 18 kbit; an ECP5-85F has {links.DEVICE_RAMS}"),
            ("memory_bits", "bits", "all memories, before mapping"),
        ):
            metrics.add(f"scale.{key}.{count}_links", found.get(key), unit, where, method, "lower")
        metrics.add(
            f"scale.fmax_mhz.{count}_links",
            found["fmax_mhz"],
            "MHz",
            where,
            "nextpnr-ecp5, placed and routed, out of context, seed 1",
            "higher",
        )
    if set(done) != set(links.LINKS) or not all(
        "lut4_without_table" in found for found in done.values()
    ):
        return
    low, high = min(done), max(done)
    growth = done[high]["lut4_without_table"] / done[low]["lut4_without_table"] - 1
    bits = {count: found["memory_bits"] for count, found in done.items()}
    each = (bits[high] - bits[low]) / (high - low)
    off = max(
        abs(bits[low] + each * (count - low) - total) / total for count, total in bits.items()
    )
    metrics.add(
        "scale.logic_growth",
        growth,
        "share",
        f"{low} to {high} links, ECP5, without the tag memory",
        "LUT4 of all logic. What grows is the link number, "
        f"{(high // low).bit_length() - 1} bits longer wherever it is made, kept and "
        "compared; beside it the tag memory needs multiplexers where block RAMs stand "
        "behind each other (scale.lut4)",
        "lower",
        0.05,
    )
    metrics.add(
        "scale.logic_growth_with_multiplexers",
        done[high]["lut4"] / done[low]["lut4"] - 1,
        "share",
        f"{low} to {high} links, ECP5",
        "LUT4 of everything",
        "lower",
    )
    metrics.add(
        "scale.memory_bits_per_link",
        each,
        "bits",
        f"{low} to {high} links",
        "growth of all memories / links",
        "lower",
    )
    metrics.add(
        "scale.memory_not_linear",
        off,
        "share",
        "all points",
        "the furthest from the straight line between the smallest and the largest",
        "lower",
        0.02,
    )
