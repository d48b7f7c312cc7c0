"""What a header says has one name and one shape, in every record through which it goes."""

import pytest

from ttpoe.config import preset
from ttpoe.layouts import (
    HEADER,
    HEADER_FIELDS,
    control_frame_layout,
    form_layout,
    header_layout,
    payload_frame_layout,
    rx_event_layout,
    trace_layout,
)
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.records import pipeline_event_layout
from ttpoe.protocol import FIELDS
from ttpoe.rx.parser import parsed_layout
from ttpoe.tx.builder import frame_fields

CONFIGS = [preset("tiny"), preset("tiny").replace(name="tiny_ipv4", encapsulation="ipv4")]
WHOLE = (parsed_layout, rx_event_layout, frame_fields)  # all that a frame says
OTHERS = (
    control_frame_layout,
    payload_frame_layout,
    pipeline_event_layout,
    trace_layout,
    tag_layout,
)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("record", [*WHOLE, *OTHERS])
def test_a_field_of_a_header_has_one_shape(record, config):
    members = record(config).members
    fields = {name.removeprefix("frame_"): shape for name, shape in members.items()}
    shared = fields.keys() & HEADER.keys()
    assert len(shared) >= 5
    assert {name: fields[name] for name in shared} == {name: HEADER[name] for name in shared}
    assert form_layout(config).items() <= fields.items() or record is tag_layout
    if record in WHOLE:
        assert shared == HEADER.keys()


def test_a_flag_takes_the_place_of_byte_48():
    names = list(header_layout(without=("opcode",), byte48="more"))
    assert names == [name if name != "congestion" else "more" for name in HEADER][1:]
    assert set(HEADER_FIELDS) == HEADER.keys() - {"congestion"}


def test_ids_and_epoch_fill_their_bytes_on_the_wire():
    for name in ("epoch", "congestion", "tx_id", "rx_id"):
        assert 8 * FIELDS[name].length == HEADER[name]
