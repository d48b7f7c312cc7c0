"""`ttpoe mutate`: draws mutants, builds them and runs the campaign. See `docs/evidence/mutation.md`."""

import importlib.util
import json

from ttpoe.config import preset
from ttpsim.build import builds
from ttpsim.campaign.origin import origin
from ttpsim.mutation.campaign import Campaign, summary
from ttpsim.mutation.netlist import draw, mutated_verilog, prepare
from ttpsim.mutation.page import PAGE, equivalent, page, parts_page
from ttpsim.mutation.parts import RESULTS as PARTS_RESULTS
from ttpsim.mutation.parts import run_parts
from ttpsim.paths import ROOT
from ttpsim.synth.targets.tools import write
from ttpverif.cli.errors import Interrupted

RESULTS = ROOT / "build" / "verify" / "mutate.json"
GOAL = 0.95


def _check_setup():
    builds.check_simulator("verilator")
    if importlib.util.find_spec("pyosys") is None:
        raise builds.SetupError(
            "the Python package pyosys is missing: run `make setup WITH=formal`"
        )


def _say(text):
    print(text, flush=True)


def document():
    """docs/evidence/mutation.md with the tables of the last campaign, `(page, text)`."""
    if not RESULTS.exists():
        raise builds.SetupError("there are no results yet: run `ttpoe mutate`")
    return PAGE, page(PAGE.read_text(), json.loads(RESULTS.read_text()))


def _told(results, harmless, path):
    """Says the score; the exit code."""
    counted = summary(results)
    decided = counted["killed"] + counted["survived"]
    score = counted["killed"] / max(1, decided - harmless)
    _say(
        f"[mutate] {counted['killed']} of {decided} killed, {harmless} of the others change "
        f"nothing: {100 * score:.1f} %; {path.relative_to(ROOT)}"
    )
    return 0 if score >= GOAL else 1


def _parts(arguments):
    """The blocks that stand alone."""
    try:
        results = run_parts(arguments, _say).results
    except KeyboardInterrupt:
        raise Interrupted("the same command goes on") from None
    if arguments.save:
        write(PAGE, parts_page(PAGE.read_text(), results))
    equal = sum(bool(mutant.get("proven_equal")) for mutant in results["mutants"])
    return _told(results, equal, PARTS_RESULTS)


def main(arguments):
    """What `ttpoe mutate` does; exit code 0 if at least 95 % are killed or explained, else 1."""
    _check_setup()
    if arguments.parts:
        return _parts(arguments)
    folder = RESULTS.parent / "mutate"
    config = preset("tiny")
    _say("[mutate] emitting the hardware and drawing mutants")
    drawn = draw(folder, prepare(config, folder), arguments.count, arguments.seed)
    verilog = {top: mutated_verilog(folder, top, mutants) for top, mutants in drawn.items()}
    settings = {
        "seed": arguments.seed,
        "count": sum(map(len, drawn.values())),
        "origin": origin("ttpoe mutate --save", arguments.seed),
    }
    campaign = Campaign(config, drawn, verilog, RESULTS, settings, _say)
    if arguments.mutant is not None:
        top, number = arguments.mutant
        if not 1 <= number <= len(drawn[top]):
            raise builds.SetupError(
                f"--mutant: {top} has mutants 1 to {len(drawn[top])}; got {number}"
            )
    try:
        campaign.execute(arguments.jobs, arguments.mutant)
    except KeyboardInterrupt:
        counted = summary(campaign.results)
        raise Interrupted(
            f"{counted['killed']} killed, {counted['survived']} survived, "
            f"{counted['left']} left; the same command goes on"
        ) from None
    if arguments.save:
        write(PAGE, page(PAGE.read_text(), campaign.results))
    code = _told(campaign.results, len(equivalent(campaign.results)), RESULTS)
    return 0 if arguments.mutant else code
