"""Code points by name, for waveforms: taken from the hardware's enumerations and state machines."""

from functools import cache

from amaranth.hdl import Fragment

from ttpoe.config import preset
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.protocol import Opcode
from ttpoe.reorder.lookup import LookUp
from ttpoe.replay.replayer import Replayer

__all__ = ["KINDS", "names_of"]

_ENUMS = {
    "event": Event,
    "state": LinkState,
    "action": Action,
    "opcode": Opcode,
    "notice": Notice,
    "result": HostResult,
}
_MACHINES = {"replayer": Replayer, "lookup": LookUp}
KINDS = (*_ENUMS, *_MACHINES)
"""What a signal's values may be the names of."""


@cache
def names_of(kind):
    """`(width in bits, {value: name})` of one of `KINDS`."""
    if kind in _ENUMS:
        enumeration = _ENUMS[kind]
        return enumeration.as_shape().width, {point.value: point.name for point in enumeration}
    machine = Fragment.get(_MACHINES[kind](preset("tiny")), None).generated[kind]
    return len(machine.state), {value: name for name, value in machine.encoding.items()}
