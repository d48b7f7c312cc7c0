"""`ttpoe synth --sweep links`: logic, memory and clock of `default` with other numbers of links."""

import json

from ttpoe.config import preset
from ttpsim.campaign.origin import origin

from . import ecp5
from .tools import BUILD, cells, source_hash, stat, top_verilog, write, yosys

RESULTS = BUILD / "sweep.json"
LINKS = {
    16: {"sets": 8},
    128: {"sets": 64},
    512: {"sets": 256},
    1536: {"sets": 256, "vc_tables": 3},
    16384: {"sets": 8192},
}
"""Links -> what differs from `default`; 1,536 as in Tesla's module, three tables of 256 sets."""

TOP = "ttp_engine"
TABLE = [f"{TOP}_core_pipeline_table_{name}" for name in ("cells", "keys_cells")]
"""The memories of the tags and of their keys, and what clears them."""
DEVICE_RAMS = 208  # DP16KD of the ECP5-85F


def configurations():
    """`{links: Config}`."""
    found = {
        links: preset("default").replace(name=f"links{links}", **changes)
        for links, changes in LINKS.items()
    }
    assert all(config.links == links for links, config in found.items())
    return found


def memory_bits(folder, top):
    """Bits of all memories of the design, before any of them is mapped to a device."""
    yosys(
        folder,
        [
            "read_verilog design.v",
            f"hierarchy -top {top}",
            "proc",
            "flatten",
            "tee -q -o memories.json stat -json",
        ],
        "memories.log",
    )
    text = (folder / "memories.json").read_text()
    return json.loads(text[text.index("{") :])["design"]["num_memory_bits"]


def lut4_without_table(folder):
    """LUT4 of all but the tag memory: behind block RAMs stacked in depth stand multiplexers."""
    yosys(
        folder,
        [
            "read_verilog design.v",
            f"blackbox {' '.join(TABLE)}",
            f"synth_ecp5 -nowidelut -top {TOP}",
            stat("without.json"),
        ],
        "without.log",
    )
    return cells(folder, "without.json")["LUT4"]


def area(config):
    """Logic and memory of one configuration; design.json stays in its folder."""
    folder = BUILD / config.name
    folder.mkdir(parents=True, exist_ok=True)
    verilog = top_verilog("engine", config, TOP)
    write(folder / "design.v", verilog)
    found = {
        "links": config.links,
        "verilog": source_hash(verilog),
        "memory_bits": memory_bits(folder, TOP),
        **ecp5.mapped(folder, TOP),
        "lut4_without_table": lut4_without_table(folder),
        "origin": origin("ttpoe synth --sweep links", 1),
    }
    fits = found["dp16kd"] <= DEVICE_RAMS
    return found | {
        "fmax_mhz": None,
        "fits": "yes" if fits else f"no: {found['dp16kd']} block RAMs, it has {DEVICE_RAMS}",
    }


def clock(config, found):
    """What `area` found, and the clock of the placed and routed design."""
    routed = ecp5.routed(BUILD / config.name, TOP, [*ecp5.NEXTPNR_ECP5, "--out-of-context"])
    return found | routed | {"seconds": found["seconds"] | routed["seconds"]}


def results():
    """The contents of build/synth/sweep.json, by number of links; `{}` if there is none."""
    try:
        return {int(links): found for links, found in json.loads(RESULTS.read_text()).items()}
    except (OSError, ValueError):
        return {}


def sweep(say=print, only_area=False):
    """All points, the area of all before the first is placed and routed.

    One whose Verilog has not changed since is taken from the last sweep, so that a sweep that was
    interrupted goes on.
    """
    done = results()

    def keep(links, found):
        done[links] = found
        write(RESULTS, json.dumps(dict(sorted(done.items())), indent=1) + "\n")

    configs = configurations()
    for links, config in configs.items():
        verilog = source_hash(top_verilog("engine", config, TOP))
        if done.get(links, {}).get("verilog") != verilog:
            say(f"synth: {links} links, area")
            keep(links, area(config))
    for links, config in configs.items():
        found = done[links]
        if found["fits"] == "yes" and not found["fmax_mhz"] and not only_area:
            say(f"synth: {links} links, place and route")
            if not (BUILD / config.name / "design.json").exists():
                found = area(config)
            keep(links, clock(config, found))
    return {links: done[links] for links in LINKS}


def table(done):
    """The sweep as lines to print."""
    lines = [
        f"{'links':>6} {'LUT4':>6} {'w/o table':>9} {'carry':>6} {'FF':>6} {'RAM':>5} "
        f"{'memory bits':>12} {'MHz':>6}  fits an ECP5-85F"
    ]
    for links, found in done.items():
        clock = f"{found['fmax_mhz']:6.1f}" if found["fmax_mhz"] else "     -"
        lines.append(
            f"{links:6} {found['lut4']:6} {found['lut4_without_table']:9} "
            f"{found['ccu2c']:6} {found['ff']:6} "
            f"{found['dp16kd']:5} {found['memory_bits']:12,} {clock}  {found['fits']}"
        )
    return "\n".join(lines)
