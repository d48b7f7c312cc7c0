"""`make mutate`: SEED=, COUNT=, JOBS=; MUTANT=engine.17 for one. See `docs/evidence/mutation.md`.

Exit code 0 if at least 95 % are killed or explained, 1 if not, 2 bad input or setup, 130 Ctrl-C.
"""

import argparse
import importlib.util
import os
import re
import signal
import sys

from ttpoe.config import preset
from ttpoe.verilog.emit import TOPS
from ttpsim.build import builds
from ttpsim.mutation.campaign import Campaign, ControlFailed, summary
from ttpsim.mutation.netlist import SELECT_BITS, draw, mutated_verilog, prepare
from ttpsim.mutation.page import PAGE, equivalent, page
from ttpsim.paths import ROOT
from ttpsim.synth.targets.tools import SynthError, write

RESULTS = ROOT / "build" / "verify" / "mutate.json"
GOAL = 0.95


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise builds.SetupError(message)


def _number(name, text, low, high):
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise builds.SetupError(f"{name} must be a number from {low} to {high}; got {text!r}")
    return int(text)


def _arguments(argv):
    env = os.environ
    parser = _Parser(prog="mutate", allow_abbrev=False, description="Mutation score.")
    parser.add_argument("--seed", default=env.get("SEED") or "1")
    parser.add_argument("--count", default=env.get("COUNT") or "215")
    parser.add_argument("--jobs", default="1")
    parser.add_argument("--mutant", default=env.get("MUTANT") or None,
                        help="only this one, for example engine.17")
    parser.add_argument("--page", action="store_true",
                        help="write the tables of docs/evidence/mutation.md")
    arguments = parser.parse_args(argv)
    arguments.seed = _number("SEED", arguments.seed, 0, 999_999_999)
    arguments.count = _number("COUNT", arguments.count, 1, (1 << SELECT_BITS) - 1)
    arguments.jobs = _number("JOBS", arguments.jobs, 1, 64)
    if arguments.mutant is not None:
        found = re.fullmatch(rf"({'|'.join(TOPS)})\.(\d+)", arguments.mutant)
        if found is None:
            raise builds.SetupError("MUTANT must be a top and a number, for example engine.17; "
                                    f"got {arguments.mutant!r}")
        arguments.mutant = found[1], int(found[2])
    return arguments


def _check_setup():
    builds.check_simulator("verilator")
    if importlib.util.find_spec("pyosys") is None:
        raise builds.SetupError("the Python package pyosys is missing: run `make mutate`")


def _say(text):
    print(text, flush=True)


def run(arguments):
    """Draw, build, run; returns the exit code."""
    folder = RESULTS.parent / "mutate"
    config = preset("tiny")
    _say("[mutate] emitting the hardware and drawing mutants")
    drawn = draw(folder, prepare(config, folder), arguments.count, arguments.seed)
    verilog = {top: mutated_verilog(folder, top, mutants) for top, mutants in drawn.items()}
    settings = {"seed": arguments.seed, "count": sum(map(len, drawn.values()))}
    campaign = Campaign(config, drawn, verilog, RESULTS, settings, _say)
    if arguments.mutant is not None:
        top, number = arguments.mutant
        if not 1 <= number <= len(drawn[top]):
            raise builds.SetupError(f"MUTANT: {top} has mutants 1 to {len(drawn[top])}; "
                                    f"got {number}")
    campaign.execute(arguments.jobs, arguments.mutant)
    if arguments.page:
        write(PAGE, page(PAGE.read_text(), campaign.results))
    counted = summary(campaign.results)
    decided = counted["killed"] + counted["survived"]
    harmless = len(equivalent(campaign.results))
    score = counted["killed"] / max(1, decided - harmless)
    _say(f"[mutate] {counted['killed']} of {decided} killed, {harmless} of the others change "
         f"nothing: {100 * score:.1f} %; {RESULTS.relative_to(ROOT)}")
    return 0 if score >= GOAL or arguments.mutant else 1


def main(argv=None):
    """Command line; returns the exit code."""
    try:
        arguments = _arguments(argv)
        _check_setup()
        return run(arguments)
    except (builds.SetupError, SynthError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 2
    except (builds.BuildError, ControlFailed) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmutate: interrupted; the same command goes on", file=sys.stderr)
        return 130


def _terminate(_signal, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())
