"""Can a mutant make a difference at all? Yosys' `equiv_*` passes on its module, taken alone."""

import re

from targets.tools import SynthError, yosys

__all__ = ["proven_equal"]


def _unproven(place, mutant, ignored):
    """Names that Yosys cannot prove equal in module and mutant, those of `ignored` not compared."""
    (place / "ignored.txt").write_text("\n".join(ignored) + "\n")
    name, load = mutant.module, ["read_rtlil clean.il"]
    flat = [f"hierarchy -top {name}", "flatten", "opt_clean", "memory_map", "opt_clean"]
    yosys(place, [
        *load, *flat, f"rename {name} gold", "design -stash gold",
        *load, mutant.command(control=False), *flat, f"rename {name} gate", "design -stash gate",
        "design -copy-from gold -as gold gold", "design -copy-from gate -as gate gate",
        "equiv_make -blacklist ignored.txt gold gate equiv", "hierarchy -top equiv", "opt_clean",
        "equiv_simple", "equiv_induct", "equiv_status"], log="equivalence.log")
    text = (place / "equivalence.log").read_text()
    if not re.search(r"Of those cells \d+ are proven and \d+ are unproven", text):
        raise SynthError(f"Yosys compared nothing; see {place / 'equivalence.log'}")
    return {re.sub(r"_(gold|gate)$", "", found) for found in
            re.findall(r"Unproven \$equiv \S+: (\S+) ", text)}


def proven_equal(place, mutant):
    """True if the module's outputs and named registers are proven equal with and without it.

    By induction, for every input, so nothing outside the module can tell. A signal inside that
    does differ is left out of the comparison and the rest is proven again without it; an output
    never is. False says nothing: there may be a difference, or the proof may be too weak. Of a
    mutant of a clock always False: these passes know steps, but no clocks.
    """
    if mutant.port.lower().endswith("clk"):
        return False
    module = re.search(rf"(?ms)^module \\{re.escape(mutant.module)}$.*?^end$",
                       (place / "clean.il").read_text())[0]
    outputs = set(re.findall(r"(?m)^  wire .*\boutput \d+ .*?(\\\S+)$", module))
    assert outputs, f"{mutant.module} has no outputs"
    ignored = []
    for _attempt in range(3):
        names = _unproven(place, mutant, ignored)
        if not names:
            return True
        if names & outputs or names & set(ignored):
            return False
        ignored += sorted(names)
    return False
