"""Engines of several configurations in one run: `--node-preset`, and whether the links fit."""

import re
from collections import Counter

from ttpoe.config import PRESETS, ConfigError
from ttpoe.verilog.generate import configuration
from ttpsim.build.builds import SetupError

__all__ = ["crowded", "kinds_of", "link_row"]

NODE_BASE = 0x5A0000  # as in switch.h
_REQ_HI, _DATA = 1, 2
_WORDS = re.compile(r"(\d+)(?:-(\d+))?=(\w+)((?::\w+=\d+)*)", re.ASCII)


def _refused(text, why):
    return SetupError(
        f"--node-preset must be NODES=PRESET or NODES=PRESET:links=N, NODES a number or "
        f"FIRST-LAST; got {text!r}: {why}"
    )


def _config(text, preset, changes):
    """The configuration of `preset` with `changes`, named by both."""
    if preset not in PRESETS:
        raise _refused(text, f"the presets are {', '.join(PRESETS)}")
    values = dict(word.split("=") for word in changes.split(":")[1:])
    found = {name: int(value) for name, value in values.items()}
    links = found.pop("links", None)
    name = "_".join([preset, *(f"{key}{value}" for key, value in values.items())])
    try:
        return configuration(preset, {**found, "name": name} if values else {}, links)
    except (ConfigError, TypeError) as error:
        raise _refused(text, error) from None


def kinds_of(texts, config, nodes):
    """`([configurations besides `config`], [(first node, last node, kind)])` of `--node-preset`.

    Kind 0 is `config`, kind n the n-th of the others; all have its width.
    """
    configs, ranges = [config], []
    for text in texts:
        found = _WORDS.fullmatch(text)
        if not found:
            raise _refused(text, "that cannot be read")
        first = int(found[1])
        last = int(found[2] or first)
        if not first <= last < nodes:
            raise _refused(text, f"the nodes are 0 to {nodes - 1}")
        kind = _config(text, found[3], found[4])
        if kind.width_bits != config.width_bits:
            raise _refused(
                text,
                f"it has {kind.width_bits} bits, the others {config.width_bits}; all nodes must "
                "have one width",
            )
        if kind not in configs:
            configs.append(kind)
        ranges.insert(0, (first, last, configs.index(kind)))  # what is said last holds
    return configs[1:], ranges


def link_row(config, node, vc):
    """Row of the link table for the link to `node`, as in the protocol's section 5.1."""
    bits = config.sets.bit_length() - 1
    low, middle, high = node & 0xFF, node >> 8 & 0xFF, node >> 16
    folded = low ^ int(f"{middle:08b}"[::-1], 2) ^ high
    if bits <= 8:
        index = 0
        for start in range(0, 8, bits):
            index ^= folded >> start & (1 << min(bits, 8 - start)) - 1
    else:
        index = folded | middle << 8 | high << 16
    mask = config.sets - 1
    return (vc, index & mask) if config.vc_tables == 3 else (0, (index ^ vc) & mask)


def _partners(traffic, node, nodes, groups):
    """Nodes with which `node` has a link for DATA; None: any."""
    if traffic in ("incast", "reverse"):
        return [0] if node else range(1, nodes)
    size = nodes // groups
    first = node // size * size
    if traffic == "ring":
        return {first + (node - first + step) % size for step in (1, -1)}
    if traffic == "all_to_all":
        return [other for other in range(first, first + size) if other != node]
    return None


def crowded(found, traffic, config_of, peers=None):
    """What is said of the first node whose link table may be too small; None: all links fit.

    `peers`: with whom a node exchanges messages, if a workload says so.
    """
    nodes, pings = found["NODES"], found["PING_EVERY"]
    for node in range(nodes):
        config = config_of(node)
        if config.sets >= nodes:  # no two peers in one set
            continue
        partners = (
            _partners(traffic, node, nodes, found["GROUPS"]) if peers is None else peers[node]
        )
        if partners is None:
            if not pings:
                continue  # two links, and a set has room for two
            return (
                f"--nodes must be at most {config.sets} with this traffic and --ping-every, the "
                f"sets of the link table of {config.name}; got {nodes}"
            )
        links = [(other, _DATA) for other in partners]
        if pings:
            links += [(0, _REQ_HI)] if node else [(other, _REQ_HI) for other in range(1, nodes)]
        rows = Counter(link_row(config, NODE_BASE + other, vc) for other, vc in links)
        if max(rows.values(), default=0) > config.WAYS:
            return (
                f"node {node} ({config.name}) needs {len(links)} links, {max(rows.values())} of "
                f"them in one set of its link table, which has room for {config.WAYS}: take fewer "
                f"--nodes, or --node-preset {node}=PRESET:links=N"
            )
    return None
