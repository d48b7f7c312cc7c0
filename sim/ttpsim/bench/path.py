"""From host to host through MAC, PHY, cable and a switch: measured clocks, and cited parameters.

The engine's clocks are those of part `latency`; every other stage is a parameter with the
document that it is from; the documents are quoted, they were not at hand to check the figures
against. Nothing here is measured but the engine, and each figure says so.
"""

PAYLOAD = 64
FRAME_BYTES = 60 + PAYLOAD + 4  # with FCS
PREAMBLE_BYTES = 8

_TABLE_80_5 = (
    "IEEE Std 802.3-2018, Table 80-5, quoted unchecked: the most that both directions "
    "may take together"
)
_CABLE = ("5 m of cable", 25.0, "5 ns/m, light in fibre with a refractive index of 1.5; assumed")

STAGES_100G = (
    ("MAC and reconciliation, both ends", 245.76, f"{_TABLE_80_5} (24,576 bit times)"),
    ("100GBASE-R PCS, both ends", 353.28, f"{_TABLE_80_5} (35,328 bit times)"),
    ("100GBASE-R PMA, both ends", 92.16, f"{_TABLE_80_5} (9,216 bit times)"),
    ("100GBASE-SR4 PMD, both ends", 20.48, f"{_TABLE_80_5} (2,048 bit times)"),
    _CABLE,
    (
        "one cut-through switch",
        300.0,
        "Mellanox SN2700 product brief, quoted unchecked: 300 ns "
        "from port to port at 100 GbE; its own MACs and PHYs included; assumed",
    ),
)
"""100GBASE-SR4 without FEC: nanoseconds of each stage; RS-FEC adds 409.6 ns at most."""

_PHY_1G = (
    "IEEE Std 802.3-2018, 40.11.1, quoted unchecked: GMII to MDI 84 bit times, MDI to GMII "
    "244 bit times at most"
)
STAGES_1G = (
    ("MACs, both ends", 160.0, "10 clocks of 125 MHz each; assumed"),
    ("1000BASE-T PHYs, both ends", 328.0, _PHY_1G),
    (
        "the frame on the wire",
        8.0 * (PREAMBLE_BYTES + FRAME_BYTES),
        f"{PREAMBLE_BYTES} + {FRAME_BYTES} bytes at 1 Gb/s",
    ),
    _CABLE,
    (
        "one cut-through switch",
        328.0 + 8.0 * (PREAMBLE_BYTES + 14) + 300.0,
        f"its two PHYs "
        f"({_PHY_1G}), preamble and header at 1 Gb/s before it can decide, 300 ns to do so (assumed)",
    ),
)
"""1000BASE-T, what ECP5 boards have."""


def one_way(clocks, mhz, stages):
    """Nanoseconds of the engine and of everything, and the engine's share."""
    engine = 1000 * clocks / mhz
    total = engine + sum(ns for _, ns, _ in stages)
    return engine, total, engine / total


def path(metrics, fmax_mhz, paper_mhz=195.3125):
    """Metrics from those of part `latency`, and the clock that place and route reached."""
    full = metrics.value(f"latency.one_way_{PAYLOAD}_bytes.full")
    default = metrics.value(f"latency.one_way_{PAYLOAD}_bytes.default")
    cited = "; ".join(f"{name} {ns:g} ns ({source})" for name, ns, source in STAGES_100G)
    if full is not None:
        engine, total, share = one_way(full, paper_mhz, STAGES_100G)
        where = (
            f"full, {PAYLOAD} bytes, 100 Gb/s on paper: the clock of {paper_mhz} MHz is "
            "assumed, no FEC"
        )
        metrics.add(
            "latency.one_way_100g_us",
            total / 1000,
            "us",
            where,
            f"engines {full} clocks measured in simulation, beats of the frame included; {cited}",
            "lower",
            1.3,
        )
        metrics.add(
            "latency.one_way_100g_engine_share",
            share,
            "of it",
            where,
            f"both engines {engine:.0f} ns of {total:.0f} ns",
            "lower",
        )
        fec = total + 409.6
        metrics.add(
            "latency.one_way_100g_rs_fec_us",
            fec / 1000,
            "us",
            where.replace("no FEC", "with RS-FEC at the limit of the standard"),
            f"the same and 409.6 ns ({_TABLE_80_5}, 40,960 bit times)",
            "lower",
        )
    if default is not None and fmax_mhz:
        beats = -(-(FRAME_BYTES - 4) // 8)
        engine, total, share = one_way(default - beats, fmax_mhz, STAGES_1G)
        where = f"default, {PAYLOAD} bytes, ECP5-5G at {fmax_mhz} MHz as placed and routed"
        metrics.add(
            "latency.one_way_ecp5_engines_us",
            default / fmax_mhz,
            "us",
            where,
            f"{default} clocks measured in simulation, two engines and nothing between them",
            "lower",
        )
        stages = "; ".join(f"{name} {ns:g} ns ({source})" for name, ns, source in STAGES_1G)
        metrics.add(
            "latency.one_way_ecp5_us",
            total / 1000,
            "us",
            where + ", 1000BASE-T",
            f"engines {default} clocks less {beats} beats, {engine:.0f} ns; {stages}",
            "lower",
            9.9,
        )
        metrics.add(
            "latency.one_way_ecp5_engine_share",
            share,
            "of it",
            where,
            f"both engines {engine:.0f} ns of {total:.0f} ns",
            "lower",
        )
