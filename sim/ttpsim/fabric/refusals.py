"""Settings of `ttpoe fabric` that do not fit each other, and what is said then."""

__all__ = ["refusals"]


def refusals(found, traffic, name, limit):
    """Yields `(whether it is so, what is said then)`.

    `name`: of the configuration, whose engines may have `limit` nodes.
    """
    nodes = found["NODES"]
    yield (
        nodes > limit,
        f"--nodes must be at most {limit}, the sets of the link table of {name}; got {nodes}",
    )
    stop, period = found["STOP"], found["STOP_PERIOD"]
    yield (
        period and stop >= period,
        f"--stop must be less than --stop-period; got {stop} and {period}",
    )
    leaf = found["LEAF_HOSTS"] or 1
    yield (
        traffic == "permutation" and 2 * min(leaf, nodes) > nodes,
        f"--traffic permutation needs two leaves of the same size at least; got {nodes} nodes, "
        f"--leaf-hosts {leaf}",
    )
    yield (
        found["MODULES"] and traffic != "incast",
        "--modules is for --traffic incast: it only sends to host 0",
    )
    others = found["OLD"] + found["MODULES"] + found["JOIN"]
    yield (
        others >= nodes,
        f"--old, --modules and --join must be less than --nodes together; got {others} of {nodes}",
    )
    yield (
        found["PING_EVERY"] and found["MODULES"] == nodes - 1,
        "--ping-every needs an engine among the senders: --modules must be at most --nodes - 2",
    )
    special = ("CLOCKS", "MODULES", "JOIN", "SPREAD")
    for key in special if traffic == "workload" else ():
        yield (found[key], f"--workload says who sends when: leave out --{key.lower()}")
    clocks, joined, left = found["CLOCKS"], found["JOIN_AT"], found["LEAVE_AT"]
    yield (
        found["JOIN"] and (not clocks or traffic != "incast"),
        "--join is for --traffic incast with --clocks",
    )
    yield (
        found["JOIN"] and (joined >= clocks or (left and not joined < left <= clocks)),
        "--join-at must be before --leave-at, and that before --clocks; got "
        f"{joined}, {left} and {clocks}",
    )
