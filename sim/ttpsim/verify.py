"""`ttpoe verify`: all the evidence, one part after the other, and a table of what came of it.

The parts are other commands; each writes build/verify/<part>.json. Their output goes to
build/verify/<part>.log. What each of them shows, and what none does, is in docs/evidence/verification.md.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from ttpsim.paths import ROOT
from ttpverif.cli.checkout import FOLDERS
from ttpverif.cli.errors import Interrupted

RESULTS = ROOT / "build" / "verify" / "verify.json"


@dataclass(frozen=True)
class Part:
    """One command: `long` and `short` are its words in either form."""

    name: str
    shows: str
    long: tuple
    short: tuple

    def command(self, short):
        """What a user would type."""
        return list(self.short if short else self.long)

    def process(self, short):
        """What is started: this Python, whatever `ttpoe` is on the PATH."""
        program, *words = self.command(short)
        if program == "ttpoe":
            return [sys.executable, "-P", "-m", "ttpverif.cli", *words]
        return [program, "--no-print-directory", *words]


# fmt: off
PARTS = (
    Part("tests", "every block's bench, models, tools, documents",
         ("make", "test", "PYTEST_ARGS=--long"), ("make", "test")),
    Part("scenarios", "two engines, followed by the reference model", ("ttpoe", "sim"),
         ("ttpoe", "sim", "hello", "loss.5pct", "selective.flow", "--preset", "tiny")),
    Part("formal", "proofs, their covers and defects", ("ttpoe", "formal"),
         ("ttpoe", "formal", "--short")),
    Part("random", "random configurations, hosts, faults, settings", ("ttpoe", "random", "--long"),
         ("ttpoe", "random", "--cases", "20", "--configs", "1")),
    Part("soak", "10^9 clocks, all in hardware", ("ttpoe", "soak"),
         ("ttpoe", "soak", "--clocks", "20000000")),
    Part("coverage", "what the scenarios reach", ("ttpoe", "coverage", "--long"),
         ("ttpoe", "coverage")),
    Part("macs", "what the benches of the MACs reach",
         ("ttpoe", "coverage", "--macs", "--long"), ("ttpoe", "coverage", "--macs")),
    Part("mutate", "whether the tests notice a wrong gate", ("ttpoe", "mutate"),
         ("ttpoe", "mutate", "--count", "20")),
    Part("abuse", "malformed and forged frames, floods, reset", ("ttpoe", "abuse", "--long"),
         ("ttpoe", "abuse")),
    Part("faults", "upsets of every memory", ("ttpoe", "faults", "--long"), ("ttpoe", "faults")),
    Part("upsets", "what upsets of a MAC do to frames", ("ttpoe", "faults", "--macs", "--long"),
         ("ttpoe", "faults", "--macs")),
)
# fmt: on


def _run(command, log):
    """Exit code of a command whose output goes to a file; it ends with us."""
    paths = os.pathsep.join(str(ROOT / folder) for folder in FOLDERS)
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
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
        code = _run(part.process(short), log)
        found[part.name] = {
            "passed": code == 0,
            "seconds": round(time.monotonic() - began),
            "command": " ".join(command),
            "short": short,
        }
        say(
            f"[verify] {part.name} {'passed' if code == 0 else 'FAILED'}, "
            f"{found[part.name]['seconds']} s" + ("" if code == 0 else f"; see {log}")
        )
        path.write_text(json.dumps(found, indent=1) + "\n")
    return found


def main(arguments):
    """What `ttpoe verify` does; exit code 0, or 1 if a part failed."""
    parts = [part for part in PARTS if not arguments.part or part.name in arguments.part]
    try:
        found = verify(parts, arguments.short)
    except KeyboardInterrupt:
        raise Interrupted(f"what is done is in {RESULTS.relative_to(ROOT)}") from None
    for part in parts:
        entry = found[part.name]
        print(
            f"{part.name:10} {'passed' if entry['passed'] else 'FAILED':7}"
            f"{entry['seconds']:7} s  {part.shows}"
        )
    return 0 if all(entry["passed"] for entry in found.values()) else 1
