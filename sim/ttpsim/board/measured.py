"""What `ttpoe board --save` has kept: the figures of the pages."""

import json
from pathlib import Path

from ttpoe.verilog.emit import write
from ttpsim.campaign.origin import origin

__all__ = ["kept", "made_by", "save"]

FILE = Path(__file__).with_name("measured.json")


def kept():
    """`{"bitstreams": {name: what `build.bitstream` found}, "netlists": {name: what the bench found}}`."""
    return json.loads(FILE.read_text()) if FILE.exists() else {"bitstreams": {}, "netlists": {}}


def made_by(design, seed, switch=""):
    """Where a result is from; asked before it is made. `switch`: one more of `ttpoe board`."""
    words = ["ttpoe board", design.board, "--app", design.app, "--preset", design.preset, switch]
    return origin(" ".join([*filter(None, words), "--save"]), seed)


def save(kind, name, found, made):
    """Keep it, and where it is from (`made_by`), in the place of the last one of this name."""
    everything = kept()
    everything[kind] = dict(sorted({**everything[kind], name: {**found, "origin": made}}.items()))
    write(FILE, json.dumps(everything, indent=1) + "\n")
