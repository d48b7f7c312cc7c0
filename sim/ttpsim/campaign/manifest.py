"""The file of a campaign: TOML that lists commands of `ttpoe` and their seeds."""

import re
import shlex
import tomllib

from ttpsim.build.processes import SetupError
from ttpsim.campaign.job import JSON, Job
from ttpverif import cli
from ttpverif.cli.options import SEEDS

__all__ = ["checked", "jobs_of", "load", "seeds_of"]

SEED = "{seed}"
MOST = 1_000_000
"""Jobs of a campaign: each is a file."""
_KEYS = {"command", "seeds"}


def load(path):
    """The tables of a TOML file; `SetupError` if there is none or it cannot be read."""
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: it is no TOML: {error}") from None


def seeds_of(value, what):
    """The seeds that "1-20", 7 or [1, 5, 9] means."""
    found = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        ends = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", value)
        if ends:
            first, last = int(ends[1]), int(ends[2])
            found = range(first, min(last, first + MOST) + 1)
    right = [type(seed) is int and SEEDS[0] <= seed <= SEEDS[1] for seed in found]
    if not right or not all(right):
        raise SetupError(
            f'{what}: seeds must be a number, a list, or "FIRST-LAST", each from {SEEDS[0]} to '
            f"{SEEDS[1]}; got {value!r}"
        )
    return list(found)


def checked(words, what):
    """The words, if `ttpoe` takes them; `SetupError` with what it says if not."""
    try:
        name = words[0] if words else ""
        if name == "campaign" or words[:2] == ["fabric", "sweep"]:
            raise SetupError("a campaign is no job of a campaign")
        if name not in cli.commands(name):
            raise SetupError(f"`ttpoe` has no command {name!r}")
        cli._parser(cli.commands(name)).parse_args(words)
    except cli.UsageError as error:
        raise SetupError(f"{what}: {error}") from None
    except SystemExit:
        raise SetupError(f"{what}: --help and --version are no jobs") from None
    return words


def _words(command, seed, what):
    """A command with a seed in it; at its end if it has no place for one."""
    words = shlex.split(command)
    if seed is None:
        if any(SEED in word for word in words):
            raise SetupError(f"{what}: {SEED} needs `seeds`")
    elif any(SEED in word for word in words):
        words = [word.replace(SEED, str(seed)) for word in words]
    else:
        words += ["--seed", str(seed)]
    if words.count(JSON) > 1:
        raise SetupError(f"{what}: {JSON} may be there once")
    return words


def jobs_of(path, revision):
    """`[Job]` of a campaign's file, each once, in its order; `SetupError` for a fault in it."""
    tables = load(path)
    entries = tables.get("job")
    if set(tables) != {"job"} or not isinstance(entries, list) or not entries:
        raise SetupError(f"{path}: it must have tables [[job]] and nothing else")
    found = {}
    for number, entry in enumerate(entries, 1):
        what = f"{path}: job {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("command"), str):
            raise SetupError(f"{what}: it must have a `command`")
        if set(entry) - _KEYS:
            raise SetupError(f"{what}: it does not take {sorted(set(entry) - _KEYS)[0]!r}")
        seeds = seeds_of(entry["seeds"], what) if "seeds" in entry else [None]
        try:
            for seed in seeds:
                words = _words(entry["command"], seed, what)
                if seed == seeds[0]:  # the others differ by a number only
                    checked(words, what)
                job = Job.of(words, revision, seed)
                found.setdefault(job.key, job)
        except ValueError as error:  # of shlex
            raise SetupError(f"{what}: {error}") from None
        if len(found) > MOST:
            raise SetupError(f"{path}: more than {MOST} jobs")
    return list(found.values())
