"""The event's record: one number for an opcode and its event, a named view for each kind."""

import pytest
from amaranth.hdl import Shape, Signal
from amaranth.lib.data import View

from ttpoe.config import preset
from ttpoe.link.effects import EFFECTS
from ttpoe.link.fsm import GUARDS, Event
from ttpoe.link.state_table import TABLE
from ttpoe.pipeline.records import (
    KINDS,
    SILENT,
    entry_layout,
    event_fields,
    guards_layout,
    pipeline_event_layout,
)
from ttpoe.protocol import Opcode

TINY = preset("tiny")
LAYOUT = pipeline_event_layout(TINY)


def test_received_frames_are_numbered_as_their_opcodes():
    assert {f"RX_{opcode.name}": opcode.value for opcode in Opcode} == {
        event.name: event.value for event in Event if event.name.startswith("RX_")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_names_fields_of_the_record(kind):
    event = Signal(LAYOUT)
    assert KINDS[kind].keys() and set(KINDS[kind].values()) <= LAYOUT.members.keys()
    assert len(set(KINDS[kind].values())) == len(KINDS[kind])
    assert f"{kind.upper()}" in Event.__members__
    for name, field in KINDS[kind].items():
        assert repr(getattr(getattr(event, kind), name)) == repr(event[field])


def test_a_view_has_no_other_names():
    event = Signal(LAYOUT)
    with pytest.raises(KeyError):
        getattr(event.purge, "first")  # noqa: B009


def test_fields_of_a_kind_as_fields_of_the_record():
    assert event_fields("purge", place=3, last=1) == {"tx_id": 3, "room": 1}
    with pytest.raises(KeyError):
        event_fields("look", first=1)


def test_a_plain_view_has_the_same_fields():
    event = Signal(LAYOUT)
    assert View(LAYOUT, event.as_value()).shape() == event.shape()


def test_an_entry_is_the_event_with_its_row_and_its_place():
    sizes = {name: Shape.cast(shape).width for name, shape in entry_layout(TINY).members.items()}
    assert sizes.pop("event") == LAYOUT.size
    assert sizes == {"row": TINY.row_bits, "uses_place": 1, "place": TINY.reorder_bits}


def test_each_guard_has_a_bit_of_its_own():
    assert list(guards_layout().members) == list(GUARDS) and guards_layout().size == len(GUARDS)


def test_silent_events_are_those_that_never_send_a_control_frame():
    """As the state table has it. Received frames have room promised whether they do or not."""
    speaks = {
        event
        for event, states in TABLE.items()
        for alternatives in states.values()
        for _guards, action, _state in alternatives
        if EFFECTS[action].frame not in (None, Opcode.PAYLOAD)
    }
    received = {event for event in Event if event.name.startswith("RX_")}
    assert set(Event) - speaks - received == set(SILENT)
