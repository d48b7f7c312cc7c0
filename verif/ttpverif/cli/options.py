"""The switches that commands have in common, and the types of their values.

One switch has one meaning and one unit everywhere: `--loss` is in percent, `--jobs` counts what
runs at a time. A value that is refused is named, with what is allowed, in one line.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

__all__ = [
    "PRESETS",
    "SEEDS",
    "SIMULATORS",
    "add_gbn",
    "add_jobs",
    "add_long",
    "add_loss",
    "add_names",
    "add_output",
    "add_preset",
    "add_save",
    "add_seed",
    "add_short",
    "add_simulator",
    "add_waves",
    "number",
    "one_of",
    "path",
    "percent",
    "verb",
    "whole_number",
]

PRESETS = ("tiny", "default", "full")
"""As in `ttpoe.config`, which needs Amaranth and is not imported for `--help`."""
SIMULATORS = ("verilator", "icarus")
SEEDS = (0, 2**31 - 1)
"""Smallest and largest seed: every program behind a command takes these."""
_CHECKOUT = "Needs a checkout of the repository, and its environment: `make setup`."


def verb(subparsers, name, summary, description, examples, checkout=False):
    """The parser of one command; `checkout`: its `--help` says that it needs one."""
    if checkout:
        description = f"{description.rstrip()}\n\n{_CHECKOUT}"
    return subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=examples,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


# ---- types -------------------------------------------------------------------------------------


def _refused(what, text):
    return argparse.ArgumentTypeError(f"must be {what}; got {text!r}")


def number(
    low: float, high: float, kind: type[int] | type[float] = int
) -> Callable[[str], int | float]:
    """A number from `low` to `high`; `1_000_000` is one, too."""
    what = f"a {'whole ' if kind is int else ''}number from {low} to {high}"
    form = r"-?[0-9][0-9_]{0,24}" if kind is int else r"[-+.0-9_e]{1,24}"

    def check(text):
        try:
            value = kind(text) if re.fullmatch(form, text) else None
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise _refused(what, text)
        return value

    return check


def whole_number(text):
    """A whole number; what range is allowed is the business of whoever takes it."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise _refused("a whole number", text)
    return int(text)


def any_base(text):
    """A whole number, also as 0x98ED5C; its range is the business of whoever takes it."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,16}|-?[0-9]{1,18}", text):
        raise _refused("a whole number, or one such as 0x98ED5C", text)
    return int(text, 0)


def percent(high=90):
    """A share of the frames, from 0 to `high`, in percent."""
    check = number(0, high, float)

    def checked(text):
        try:
            return check(text)
        except argparse.ArgumentTypeError:
            raise _refused(f"from 0 to {high}, in percent", text) from None

    return checked


def one_of(*names):
    """One of these names."""
    what = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))

    def check(text):
        if text not in names:
            raise _refused(what, text)
        return text

    return check


def path(text):
    """The path of a file or folder."""
    if not text or "\0" in text:
        raise _refused("a path", text)
    return Path(text)


def _listed(allowed):
    def check(text):
        found = text.split(",")
        for name in found:
            if not name or (allowed and name not in allowed):
                raise _refused(f"one of {', '.join(allowed)}" if allowed else "a name", name)
        return found

    return check


class _Flat(argparse.Action):
    """Keeps one list of all the names."""

    def __call__(self, parser, namespace, values, option=None):
        setattr(namespace, self.dest, [name for part in values for name in part])


# ---- switches ----------------------------------------------------------------------------------


def add_names(parser, dest, text, allowed=None):
    """Any number of names, separated by spaces or commas; none means all."""
    parser.add_argument(
        dest,
        metavar=dest.upper(),
        nargs="*",
        type=_listed(allowed),
        action=_Flat,
        default=[],
        help=text,
    )


def add_seed(
    parser,
    default: int | None = 1,
    of="everything that is random follows from it",
    none="each run's own",
):
    """`--seed N`; `none` says what it is if there is no default."""
    parser.add_argument(
        "--seed",
        metavar="N",
        type=number(*SEEDS),
        default=default,
        help=f"{of} ({none if default is None else default})",
    )


def add_preset(parser, default: str | None = "default", of=None):
    """`--preset NAME`."""
    of = f", of {of}" if of else ""
    shown = "each run's own" if default is None else default
    parser.add_argument(
        "--preset",
        metavar="NAME",
        type=one_of(*PRESETS),
        default=default,
        help=f"configuration{of}: tiny, default or full ({shown})",
    )


def add_simulator(parser, default: str | None = "verilator"):
    """`--simulator NAME`."""
    parser.add_argument(
        "--simulator",
        metavar="NAME",
        type=one_of(*SIMULATORS),
        default=default,
        help=f"verilator or icarus ({default or 'as each run declares'})",
    )


def add_jobs(parser, default=2, of="runs"):
    """`--jobs N`."""
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=number(1, 64),
        default=default,
        help=f"{of} at a time ({default})",
    )


def add_loss(parser, default=0.0, high=90, of="of the frames, each way, that the wire loses"):
    """`--loss PERCENT`."""
    parser.add_argument(
        "--loss",
        metavar="PERCENT",
        type=percent(high),
        default=default,
        help=f"{of}, in percent ({default:g})",
    )


def add_gbn(parser):
    """`--gbn`."""
    parser.add_argument("--gbn", action="store_true", help="go-back-N instead of selective replay")


def add_long(parser, text):
    """`--long`; without it the tool does less."""
    parser.add_argument("--long", action="store_true", help=f"the long form: {text}")


def add_short(parser, text):
    """`--short`; without it the tool does everything."""
    parser.add_argument("--short", action="store_true", help=f"the short form: {text}")


def add_save(parser, text):
    """`--save`: what is found becomes part of the repository."""
    parser.add_argument("--save", action="store_true", help=f"keep the result: {text}")


def add_output(parser, metavar, text, **more):
    """`--output PATH`, `-o PATH`."""
    parser.add_argument("-o", "--output", metavar=metavar, type=path, help=text, **more)


def add_waves(parser, of=None):
    """`--waves`; `of` says what is recorded where that is always all of it."""
    of = of or "the first 5,000 clocks (of a run that fails, of the last), or of all"
    parser.add_argument(
        "--waves",
        metavar="all",
        nargs="?",
        const=True,
        default=False,
        type=one_of("all"),
        help=f"record waveforms of {of}",
    )
