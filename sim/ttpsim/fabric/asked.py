"""What a user asks of a network: the settings of `ttpoe fabric` and `ttpoe packet`.

A setting is called LIKE_THIS; its program has it --like-this. The commands have `--loss` in percent
for LOSS_PPM, `--gbn` for no SELECTIVE, `--congestion off` for no CONGESTION, and the others as the
program has them.
"""

from ttpsim.build import builds
from ttpverif.cli.options import SEEDS

__all__ = ["PLOTS", "asked", "check_files", "limits", "program_words", "shown_words"]

PLOTS = (".svg", ".png", ".pdf")
_FLAGS = {
    "CUT_THROUGH": ["--cut-through"],
    "SELECTIVE": ["--gbn"],
    "CONGESTION": ["--congestion", "off"],
}


def limits(switches):
    """Setting -> (smallest, largest, default), of a command with these switches of its own."""
    return {
        "SEED": (*SEEDS, 1),
        "CUT_THROUGH": (0, 1, 0),
        "LOSS_PPM": (0, 1_000_000, 0),
        "SELECTIVE": (0, 1, 1),
        "CONGESTION": (0, 1, 1),
    } | {name.upper().replace("-", "_"): found[:3] for name, found in switches.items()}


def asked(arguments, switches):
    """The settings that are asked for."""
    found = {
        name.upper().replace("-", "_"): getattr(arguments, name.replace("-", "_"))
        for name in switches
    }
    return found | {
        "SEED": arguments.seed,
        "CUT_THROUGH": int(arguments.cut_through),
        "LOSS_PPM": round(arguments.loss * 10_000),
        "SELECTIVE": int(not arguments.gbn),
        "CONGESTION": int(arguments.congestion == "on"),
    }


def _switch(key):
    return f"--{key.lower().replace('_', '-')}"


def program_words(settings, known):
    """Settings as the program takes them; `known`: `limits`, whose defaults hold for the others."""
    for key, (_low, _high, default) in known.items():
        yield from (_switch(key), str(settings.get(key, default)))


def shown_words(settings, known):
    """Settings as a user types them: those that say something."""
    for key, value in settings.items():
        if value == known[key][2] and key not in ("SEED", "NODES", "COUNT"):
            continue
        if key in _FLAGS:
            yield from _FLAGS[key]
        elif key == "LOSS_PPM":
            yield from ("--loss", f"{value / 10_000:.10g}")
        else:
            yield from (_switch(key), str(value))


def check_files(arguments, names):
    """Refuses files that cannot be written and more seeds than there are, before anything runs."""
    for name in names:
        path = getattr(arguments, name)
        if path and arguments.seeds > 1:
            raise builds.SetupError(f"--{name} is of one run: leave out --seeds")
        if path and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise builds.SetupError(f"--{name} {path}: there is no such folder for a file")
    if arguments.plot and arguments.plot.suffix not in PLOTS:
        raise builds.SetupError(
            f"--plot must end in {' or '.join(PLOTS)}; got {arguments.plot.name!r}"
        )
    last = arguments.seed + arguments.seeds - 1
    if last > SEEDS[1]:
        raise builds.SetupError(f"the last seed must be at most {SEEDS[1]}; got {last}")
