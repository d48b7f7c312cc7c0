"""`make verify`: all the evidence, one part after the other, and a table of what came of it.

    make verify               the long form of every part: a day on two cores
    make verify SHORT=1       each part's short form
    make verify PART=formal,abuse

The parts are other make targets; each writes build/verify/<part>.json. Their output goes to
build/verify/<part>.log. What each of them shows, and what none does, is in
docs/evidence/verification.md.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from ttpsim.paths import ROOT

RESULTS = ROOT / "build" / "verify" / "verify.json"


@dataclass(frozen=True)
class Part:
    """One make target: `long` and `short` are its arguments in either form."""

    name: str
    shows: str
    long: tuple
    short: tuple

    def command(self, short):
        return ["make", "--no-print-directory", *(self.short if short else self.long)]


PARTS = (
    Part("tests", "every block's bench, models, tools, documents", ("test",), ("test",)),
    Part("scenarios", "two engines, followed by the reference model", ("sim",),
         ("sim", "TEST=hello,loss.5pct,selective.flow", "PRESET=tiny")),
    Part("formal", "proofs, their covers and defects", ("formal",), ("formal", "SHORT=1")),
    Part("random", "random configurations, hosts, faults, settings", ("random", "LONG=1"),
         ("random", "CASES=20", "CONFIGS=1")),
    Part("soak", "10^9 clocks, all in hardware", ("soak",), ("soak", "CLOCKS=20000000")),
    Part("coverage", "what the scenarios reach", ("coverage", "LONG=1"), ("coverage",)),
    Part("mutate", "whether the tests notice a wrong gate", ("mutate",), ("mutate", "COUNT=20")),
    Part("abuse", "malformed and forged frames, floods, reset", ("abuse", "LONG=1"), ("abuse",)),
    Part("faults", "upsets of every memory", ("faults", "LONG=1"), ("faults",)),
)


def _run(command, log):
    """Exit code of a command whose output goes to a file; it ends with us."""
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()


def verify(parts, short, folder=RESULTS.parent, say=print):
    """Run the parts; returns `{name: {passed, seconds, command}}` of those that came to an end."""
    folder.mkdir(parents=True, exist_ok=True)
    path, found = folder / RESULTS.name, {}
    for number, part in enumerate(parts, 1):
        command, log = part.command(short), folder / f"{part.name}.log"
        say(f"[verify] {number}/{len(parts)} {part.name}: {' '.join(command)}")
        began = time.monotonic()
        code = _run(command, log)
        found[part.name] = {"passed": code == 0, "seconds": round(time.monotonic() - began),
                            "command": " ".join(command), "short": short}
        say(f"[verify] {part.name} {'passed' if code == 0 else 'FAILED'}, "
            f"{found[part.name]['seconds']} s" + ("" if code == 0 else f"; see {log}"))
        path.write_text(json.dumps(found, indent=1) + "\n")
    return found


class _UsageError(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise _UsageError(message)


def _chosen(names):
    known = {part.name: part for part in PARTS}
    for name in names:
        if name not in known:
            raise _UsageError(f"no part {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(PARTS)


def main(argv=None):
    """Command line; exit code 0, 1 if a part failed, 2 after one line about bad input."""
    parser = _Parser(prog="sim/ttpsim/verify.py", allow_abbrev=False, description="All the evidence.")
    parser.add_argument("--part", default=os.environ.get("PART") or "")
    parser.add_argument("--short", action="store_true")
    try:
        arguments = parser.parse_args(argv)
        parts = _chosen([name for name in arguments.part.split(",") if name])
    except _UsageError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    try:
        found = verify(parts, arguments.short)
    except KeyboardInterrupt:
        print(f"\nverify: interrupted; what is done is in {RESULTS.relative_to(ROOT)}")
        return 130
    for part in parts:
        entry = found[part.name]
        print(f"{part.name:10} {'passed' if entry['passed'] else 'FAILED':7}"
              f"{entry['seconds']:7} s  {part.shows}")
    return 0 if all(entry["passed"] for entry in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
