"""Settings of `ttpoe fabric` that do not fit each other, and what is said then."""

from ttpsim.fabric.kinds import crowded

__all__ = ["refusals"]


def _topology(found, traffic):
    """Of groups, and of switches that cannot be joined."""
    nodes, groups = found["NODES"], found["GROUPS"]
    yield (
        groups > 1 and traffic not in ("all_to_all", "ring"),
        "--groups is for --traffic all_to_all and ring",
    )
    yield (
        nodes % groups or nodes // groups < 2,
        f"--groups must divide --nodes into groups of two at least; got {groups} of {nodes} nodes",
    )
    leaf, pods = found["LEAF_HOSTS"], found["PODS"]
    yield pods and not leaf, "--pods needs --leaf-hosts, the hosts of each leaf switch"
    yield (
        found["CORES"] > 1 and not pods,
        "--cores is for a fat tree: give --pods, and --leaf-hosts",
    )
    leaves = -(-nodes // leaf) if leaf else 0
    yield (
        pods > 1 and -(-leaves // max(1, -(-leaves // pods))) < pods,
        f"--pods must leave no pod empty; got {pods} pods for {leaves} leaves",
    )


def refusals(found, traffic, config_of, peers=None):
    """Yields `(whether it is so, what is said then)`.

    `config_of`: a node's configuration. `peers`: with whom it exchanges messages of a workload.
    """
    nodes = found["NODES"]
    yield from _topology(found, traffic)
    words = crowded(found, traffic, config_of, peers)
    yield words is not None, words
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
    yield found["LIAR"] >= nodes, f"--liar must be below --nodes; got {found['LIAR']} of {nodes}"
    yield (
        found["LIAR"] and not found["SAYS"] and not found["HEARS"],
        "--liar needs a lie: --says or --hears",
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
