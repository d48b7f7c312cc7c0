"""Settings of `ttpoe packet` that do not fit each other, and what is said then."""

from types import SimpleNamespace

from ttpsim.fabric.refusals import refusals as of_fabric

__all__ = ["refusals"]


def refusals(found, traffic):
    """Yields `(whether it is so, what is said then)`."""
    nodes, ports = found["NODES"], found["FAT_TREE"]
    others = {"MODULES": 0, "GROUPS": 1, "PODS": 0, "CORES": 1}
    # The link table of an engine here is as large as its traffic needs.
    yield from of_fabric(found | others, traffic, lambda _node: SimpleNamespace(sets=nodes))
    yield (ports % 2 == 1, f"--fat-tree must be even; got {ports}")
    yield (
        ports and nodes > ports**3 // 4,
        f"--fat-tree {ports} has room for {ports**3 // 4} hosts; got --nodes {nodes}",
    )
    yield (
        ports and found["LEAF_HOSTS"],
        "--fat-tree and --leaf-hosts are two networks: leave one of them out",
    )
    yield (found["STEPS"] and traffic != "ring", "--steps is for --traffic ring")
    yield (
        traffic == "ring" and found["CLOCKS"],
        "--traffic ring ends by itself: leave out --clocks, or limit it by --steps",
    )
