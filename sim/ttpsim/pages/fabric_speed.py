"""Tables of docs/evidence/fabric.md about what a run costs, from part `fabric_speed` of the bench,
and the model of many cores that is computed from them."""

from . import figures

__all__ = ["TABLES"]

_NODES = (2, 4, 8, 16, 32, 64)
_WAYS = (
    ("one_by_one", "one by one (`--lanes 0 --batch 0` of the native program)"),
    ("parts", "in parts, 16 together (`--lanes 0`)"),
    ("lanes", "as lanes of 64"),
)
_RUNS = (("ring", "ring of 128"), ("leaves", "ring of 96 over leaves"))
_SLEEP = (
    ("spread", "incast of 8 nodes that begin within 50,000 of 60,000 clocks"),
    ("permutation", "permutation of 128 nodes, of which a tenth begins in the 12,000 clocks"),
)
_LANES, _WINDOW, _ENGINES, _MESSAGE_US = 64, 32, 1024, 2
_NONE = "not measured: Open MPI was not there"


def _found():
    """The figures of the part, by what is behind its name."""
    first = "fabric_speed."
    return {
        name.removeprefix(first): value
        for name, value in figures.baseline().items()
        if name.startswith(first)
    }


def _round(value):
    """Three digits say enough of a time."""
    return f"{int(float(f'{value:.3g}')):,}"


def nodes():
    """Clocks per second by the number of engines."""
    found = _found()
    cells = [_round(found[f"clocks_per_second.{n}_nodes"]) for n in _NODES]
    return figures.table(["nodes", *map(str, _NODES)], [["clocks per second", *cells]])


def ways():
    """Engine-clocks per second: one by one, in parts, in lanes."""
    found, rows = _found(), []
    for way, words in _WAYS:
        cells = []
        for run, _words in _RUNS:
            value, low, high = (found[f"{run}_{way}{end}"] for end in ("", "_low", "_high"))
            cells += [
                f"{_round(value)} ({_round(low)} to {_round(high)})",
                f"{value / found[f'{run}_one_by_one']:.1f}",
            ]
        rows.append([words, *cells])
    shares = [f"{100 * found[f'{run}_in_lanes']:.1f} %" for run, _words in _RUNS]
    rows.append(["engine-clocks that are in lanes then", shares[0], "", shares[1], ""])
    head = [cell for _run, words in _RUNS for cell in (words, "times as fast")]
    return figures.table(["engine-clocks per second", *head], rows)


def sleep():
    """What it gives to leave out who has had no input."""
    found, rows = _found(), []
    for run, words in _SLEEP:
        less, more = (found[f"{run}_{way}_seconds"] for way in ("skipping", "all"))
        rows.append(
            [
                words,
                f"{100 * found[f'{run}_skipped']:.0f} %",
                f"{less:.2f} s",
                f"{more:.2f} s",
                f"{100 * (1 - less / more):.0f} %",
            ]
        )
    head = ["run", "engine-clocks skipped", "processor time", "with nothing skipped", "less"]
    return figures.table(head, rows)


def _exchange(found):
    """What two processes cost, in words."""
    if "exchange_us" not in found:
        return _NONE, _NONE
    value, low, high = (found[f"exchange_us{end}"] for end in ("", "_low", "_high"))
    return f"{value:.0f} us ({low:.0f} to {high:.0f})", f"{100 * found['busiest_share']:.1f} %"


def costs():
    """What is in an engine-clock, and how many bytes an engine has."""
    found = _found()
    exchange, busiest = _exchange(found)
    rows = [
        ("an engine in lanes and its host, for a clock", f"{found['engine_ns']:.0f} ns"),
        ("a port of the switch, for a clock", f"{found['switch_port_ns']:.0f} ns"),
        ("measuring, for an engine and a clock", f"{found['measuring_ns']:.0f} ns"),
        (
            "loops over lanes in a clock; reads of memories in them, which are no vectors",
            f"{found['loops']:,}; {found['memory_reads']:,}",
        ),
        (
            "an exchange of two processes, of each for a window, with the time that it waits for the other",
            exchange,
        ),
        ("work of the busier of two processes, ring of 128", busiest),
        ("state of an engine", f"{found['state_bytes'] / 1024:.0f} KB"),
        ("memory of a run of 1,024", f"{found['memory_bytes'] / 2**20:.0f} MB"),
        ("a checkpoint of it", f"{found['checkpoint_bytes'] / 2**20:.0f} MB"),
    ]
    return figures.table(["`tiny`", "value"], [list(row) for row in rows])


def model():
    """What many cores would give to a run of 1,024 engines."""
    found = _found()
    if "exchange_us" not in found:
        return f"The exchange is {_NONE}."
    processes = _ENGINES // _LANES
    window = 1e6 * _LANES * _WINDOW / found["ring_lanes"]
    messages = _MESSAGE_US * (processes - 1)
    exchange = found["exchange_us_low"]  # what is more is waiting for a core
    whole = window + exchange + messages
    speed = 1e6 * _WINDOW / whole
    rows = [
        (f"processes, of {_LANES} engines each", f"{processes}"),
        (
            f"a window: {_LANES} engines x {_WINDOW} clocks, at the speed of lanes above",
            f"{window / 1000:.2f} ms",
        ),
        (
            "the exchange, as with two processes in the run that waited least",
            f"{exchange / 1000:.3f} ms",
        ),
        (
            f"{processes - 1} messages to process 0, {_MESSAGE_US} us each, assumed",
            f"{messages / 1000:.3f} ms",
        ),
        ("efficiency", f"{100 * window / whole:.0f} %"),
        ("clocks per second", _round(speed)),
        ("a million clocks", f"{1e6 / speed:.0f} s"),
    ]
    return figures.table(["1,024 engines, model", "value"], [list(row) for row in rows])


TABLES = {
    "fabric-speed": nodes,
    "fabric-ways": ways,
    "fabric-sleep": sleep,
    "fabric-costs": costs,
    "fabric-model": model,
    "origin-fabric-speed": lambda: figures.origin("fabric_speed"),
}
"""Name of a part in a page -> what writes it."""
