"""Single fields of a frame: they are those that `Frame` packs and parses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttpverif.frames import fields
from ttpverif.frames.fields import FIELDS, field_of, with_field
from ttpverif.frames.frame import ETHERTYPES, HEADER, OUI, Frame, Opcode

GOOD = Frame(0x010203, 0x0A0B0C, Opcode.PAYLOAD, 1, 0x11223344, 0x55667788, 0x99AA, payload=b"x")
WIDE = st.integers(0, (1 << 32) - 1)
FRAMES = st.builds(
    Frame,
    src=st.integers(0, (1 << 24) - 1),
    dst=st.integers(0, (1 << 24) - 1),
    opcode=st.sampled_from(Opcode),
    vc=st.integers(0, 2),
    tx_id=WIDE,
    rx_id=WIDE,
    epoch=st.integers(0, (1 << 16) - 1),
    extension=st.integers(0, 255),
    congestion=st.integers(0, 255),
    ethertype=st.sampled_from(ETHERTYPES),
    payload=st.binary(min_size=1, max_size=80),
)


@given(FRAMES)
def test_every_field_is_where_it_is_packed(frame):
    data = frame.pack()
    kept = {name: field_of(data, name) for name in FIELDS if hasattr(frame, name)}
    assert kept == {name: getattr(frame, name) for name in kept} and len(kept) == 10
    size = len(frame.payload)
    assert (field_of(data, "length"), field_of(data, "total_length")) == (size + 26, size + 46)
    assert field_of(data, "dst_oui") == field_of(data, "src_oui") == int.from_bytes(OUI, "big")
    assert (field_of(data, "version"), field_of(data, "control")) == (5, 0)
    for name in ("dst", "epoch", "tx_id", "rx_id", "opcode"):
        assert getattr(fields, f"{name}_of")(data) == getattr(frame, name)


@pytest.mark.parametrize("name, value", [("vc", 2), ("tx_id", 5), ("epoch", 7), ("src", 0xFFFFFF)])
def test_a_field_that_is_changed_is_parsed_so(name, value):
    changed, cause = Frame.parse(with_field(GOOD.pack(), name, value))
    assert cause is None
    assert {**vars(GOOD), name: value} == vars(changed)


def test_fields_do_not_overlap_and_lie_in_the_header():
    places = [n for begin, size in FIELDS.values() for n in range(begin, begin + size)]
    assert len(places) == len(set(places)) and max(places) < HEADER


def test_the_opcode_has_six_bits_and_a_value_must_fit():
    data = with_field(GOOD.pack(), "opcode", 0xC0 | Opcode.NACK)
    assert fields.opcode_of(data) == Opcode.NACK and field_of(data, "opcode") == 0xC8
    with pytest.raises(OverflowError):
        with_field(data, "vc", 256)
