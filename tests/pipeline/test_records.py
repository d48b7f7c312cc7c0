"""The event's record: one number for an opcode and its event, a named view for each kind."""

import pytest
from amaranth.hdl import Signal
from amaranth.lib.data import View

from ttpoe.config import preset
from ttpoe.link.fsm import Event
from ttpoe.pipeline.records import KINDS, event_fields, pipeline_event_layout
from ttpoe.protocol import Opcode

LAYOUT = pipeline_event_layout(preset("tiny"))


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
