"""What `ttpoe board --save` has kept: the figures of the pages."""

import json
from pathlib import Path

from ttpoe.verilog.emit import write

__all__ = ["kept", "save"]

FILE = Path(__file__).with_name("measured.json")


def kept():
    """`{"bitstreams": {name: what `build.bitstream` found}, "netlists": {name: what the bench found}}`."""
    return json.loads(FILE.read_text()) if FILE.exists() else {"bitstreams": {}, "netlists": {}}


def save(kind, name, found):
    """Keep it in the place of the last one of this name."""
    everything = kept()
    everything[kind] = dict(sorted({**everything[kind], name: found}.items()))
    write(FILE, json.dumps(everything, indent=1) + "\n")
