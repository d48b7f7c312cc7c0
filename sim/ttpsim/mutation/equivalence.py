"""Can a mutant make a difference at all? Yosys compares the gates around it, or its module."""

import json
import re
from dataclasses import replace

from ttpsim.synth.targets.tools import SynthError, yosys

__all__ = ["proven_equal"]

MOST_CELLS, MOST_BITS = 600, 1024  # more of them, or in memories: it is not tried
NEAR_STEPS, NEAR_CELLS = 2, 60  # gates behind the mutated one, compared by themselves
_KEPT = re.compile(r"\$(s?dff|adff|aldff|dlatch|sr|ff|mem|scopeinfo|print|check|_)|[^$]")
"""Types of cells that are no gates: they keep something, or are modules."""


def _unproven(place, mutant, name, ignored):
    """Names that Yosys cannot prove equal in the module `name` with and without the mutant in it,
    those of `ignored` not compared."""
    (place / "ignored.txt").write_text("\n".join(ignored) + "\n")
    load = ["read_rtlil clean.il"]
    flat = [f"hierarchy -top {name}", "flatten", "opt_clean", "memory_map", "opt_clean"]
    yosys(
        place,
        [
            *load,
            *flat,
            f"rename {name} gold",
            "design -stash gold",
            *load,
            mutant.command(control=False),
            *flat,
            f"rename {name} gate",
            "design -stash gate",
            "design -copy-from gold -as gold gold",
            "design -copy-from gate -as gate gate",
            "equiv_make -blacklist ignored.txt gold gate equiv",
            "hierarchy -top equiv",
            "opt_clean",
            "equiv_simple",
            "equiv_induct",
            "equiv_status",
        ],
        log="equivalence.log",
    )
    text = (place / "equivalence.log").read_text()
    if not re.search(r"Of those cells \d+ are proven and \d+ are unproven", text):
        raise SynthError(f"Yosys compared nothing; see {place / 'equivalence.log'}")
    return {
        re.sub(r"_(gold|gate)$", "", found)
        for found in re.findall(r"Unproven \$equiv \S+: (\S+) ", text)
    }


def _proven(place, mutant, name, module):
    """Is it proven of this module, with that text?"""
    outputs = set(re.findall(r"(?m)^  wire .*\boutput \d+ .*?(\\\S+)$", module))
    assert outputs, f"{name} has no outputs"
    ignored = []
    for _attempt in range(3):
        names = _unproven(place, mutant, name, ignored)
        if not names:
            return True
        if names & outputs or names & set(ignored):
            return False
        ignored += sorted(names)
    return False


def _near(place, mutant):
    """Names of the mutated cell and of the gates up to `NEAR_STEPS` behind it; nothing if it is
    no gate."""
    cells = json.loads((place / "clean.json").read_text())["modules"][mutant.module]["cells"]
    users = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input" and not _KEPT.match(cell["type"]):
                for bit in bits:
                    users.setdefault(bit, set()).add(name)
    if _KEPT.match(cells[mutant.cell]["type"]):
        return []
    found = edge = {mutant.cell}
    for _step in range(NEAR_STEPS):
        edge = {
            user
            for name in edge
            for port, bits in cells[name]["connections"].items()
            if cells[name]["port_directions"][port] == "output"
            for bit in bits
            for user in users.get(bit, ())
        }
        if len(found | edge) > NEAR_CELLS:
            break
        found = found | edge
    return sorted(found)


def _proven_near(place, mutant):
    """Do the gates around the mutant give the same with and without it, whatever goes in?

    What leaves these gates is compared by a SAT solver; so whatever is around them, and however
    large, sees no difference.
    """
    near = _near(place, mutant)
    if not near:
        return False
    yosys(
        place,
        [
            "read_rtlil clean.il",
            "memory_collect",
            "submod -name near " + " ".join(f"{mutant.module}/c:{cell}" for cell in near),
            # Once only: names of its ports are not the same again.
            "design -save both",
            "rename near gold",
            "design -stash gold",
            "design -load both",
            replace(mutant, module="near").command(control=False),
            "rename near gate",
            "design -stash gate",
            "design -copy-from gold -as gold gold",
            "design -copy-from gate -as gate gate",
            "miter -equiv -flatten gold gate both",
            "hierarchy -top both",
            "sat -timeout 30 -prove trigger 0 both",
        ],
        log="near.log",
    )
    return "SAT proof finished - no model found: SUCCESS!" in (place / "near.log").read_text()


def _modules(text):
    """`{name: text}` of an RTLIL file."""
    return {
        re.findall(r"^module \\(\S+)", part)[0]: part
        for part in re.split(r"(?m)^(?=module )", text)[1:]
    }


def _small(modules, name):
    """Is this module, with all below it, small enough to be tried?"""
    inside = "".join(
        text for module, text in modules.items() if module == name or module.startswith(f"{name}_")
    )
    bits = sum(
        int(width or 1) * int(size)
        for width, size in re.findall(r"(?m)^  memory (?:width (\d+) )?size (\d+)", inside)
    )
    return len(re.findall(r"(?m)^  cell ", inside)) <= MOST_CELLS and bits <= MOST_BITS


def proven_equal(place, mutant):
    """True if the gates around it, or a module's outputs and named registers, are proven equal with
    and without it.

    The module is the mutant's own, or else the one around it, if it is small: what the parent
    never does to a block may hide a fault. By induction, for every input, so nothing outside can
    tell. A signal inside that does differ is left out of the comparison and the rest is proven
    again without it; an output never is. False says nothing: there may be a difference, or the
    proof may be too weak. Of a mutant of a clock always False: these passes know steps, but no
    clocks.
    """
    if mutant.port.lower().endswith("clk"):
        return False
    if _proven_near(place, mutant):
        return True
    modules = _modules((place / "clean.il").read_text())
    parents = [name for name in modules if mutant.module.startswith(f"{name}_")]
    for name in [mutant.module, *sorted(parents, key=len)[-1:]]:
        if not _small(modules, name):
            continue
        if _proven(place, mutant, name, modules[name]):
            return True
    return False
