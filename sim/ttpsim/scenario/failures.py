"""What the campaign does with a case that failed: the model's word, a short script, a report."""

import re

from ttpsim.build.builds import ROOT
from ttpverif.randomised.script import Script
from ttpverif.randomised.shrink import shrink

__all__ = ["first_line", "report_failure", "shown", "shrink_failure", "with_model"]

BUILD = ROOT / "build" / "random"


def with_model(server, script, result):
    """The same case with the model in lockstep, if it fails then, too: it says more, and earlier."""
    if script.lockstep:
        return script, result
    followed = Script.from_dict(script.to_dict() | {"lockstep": True})
    closer = server.play(followed)
    return (followed, closer) if closer["failure"] else (script, result)


def report_failure(server, script, result, seed, case):
    """Shrink, write the scripts, and say so."""
    name = f"fail-{seed}"
    whole, path = BUILD / f"{name}-whole.json", BUILD / f"{name}.json"
    script.save(whole, result["failure"])
    print(
        f"\n[random] {script.origin} failed: {first_line(result)}\n[random] shrinking "
        f"({script.lines} lines)",
        flush=True,
    )
    short, tries, last = shrink_failure(server, script, result)
    short.save(path, last["failure"])
    return (
        f"{first_line(last)}\n{last['failure']}\n"
        f"{script.lines} lines shrunk to {short.lines} in {tries} tries; script: "
        f"{shown(path)}\nrepeat: ttpoe random --script {shown(path)}\n"
        f"the whole case: ttpoe random --script {shown(whole)}"
        f"  (--seed {seed}, case {case})"
    )


def shown(path):
    """A path as a user would type it in the repository."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def first_line(result):
    """What went wrong, in one line."""
    return f"{result['kind']}: {result['failure'].strip().splitlines()[0][:200]}"


def _manner(result):
    """What makes two failures the same: the kind, and what model and hardware disagree in."""
    if not result["failure"]:
        return None
    head = result["failure"].split("\n")[0]
    return result["kind"], re.split(r"[:;,\d]", head)[0]


def shrink_failure(server, script, result, tries=300):
    """`(short script, tries, result of the last failing run)`."""
    last = [result]

    def fails(candidate):
        found = server.play(candidate)
        if _manner(found) != _manner(result):
            return False
        last[0] = found
        return True

    # What comes after the failure cannot matter.
    cut = [event for event in script.events if event[0] <= result["clock"]]
    shorter = Script.from_dict(script.to_dict() | {"events": cut})
    short, used = shrink(shorter if fails(shorter) else script, fails, last[0]["noted"], tries)
    return short, used, last[0]
