"""The generator of bad frames: what it says of a frame is what the parser's own reading says."""

import random
from collections import Counter

import pytest

from ttpverif.frames.bad import CONGESTION_BITS, DATAGRAMS, FORGING, PARSING, RESERVED_BITS
from ttpverif.frames.bad_datagram import BadDatagrams
from ttpverif.frames.datagram import Network, parse
from ttpverif.frames.fields import field_of, opcode_of
from ttpverif.frames.frame import DROP_CAUSES, Frame
from ttpverif.frames.hostile import Hostile

NODE, PEER = 0x015A0B, 0x00A5C3


@pytest.fixture(scope="module")
def hostile():
    return Hostile(1, NODE, PEER, 16)


def test_structured_cases_have_the_cause_that_they_were_made_for(hostile):
    cases = hostile.structured()
    for bad in cases:
        frame, cause = Frame.parse(bad.data, NODE, bad.bad_fcs)
        assert (frame, cause) == (None, bad.cause), (bad.category, bad.data.hex())
    assert {bad.cause for bad in cases} == set(DROP_CAUSES)
    lengths = {len(bad.data) for bad in cases if bad.category in ("runt", "truncated")}
    assert lengths == set(range(1, 1084)), "cut at every length"
    opcodes = {field_of(bad.data, "opcode") for bad in cases if bad.category == "bad opcode"}
    assert opcodes == {code for code in range(256) if code & 0x3F > 10}


def test_malformed_frames_never_parse_and_are_of_every_kind(hostile):
    seen = Counter()
    for _ in range(3000):
        bad = hostile.malformed()
        assert Frame.parse(bad.data, NODE, bad.bad_fcs)[0] is None
        assert bad.cause is not None
        seen[bad.category] += 1
    assert set(seen) == set(PARSING)


def test_bad_datagrams_have_the_cause_that_they_were_made_for():
    """Every cause that a datagram can have; cut at every length; and by chance of every kind."""
    bad_ones = BadDatagrams(random.Random(1), NODE, PEER)
    for data in (*bad_ones.others, *bad_ones.payloads):
        assert parse(data, Network(), NODE)[1] is None, "the frames that are spoiled are good"
    cases = bad_ones.structured()
    for bad in cases:
        found = parse(bad.data, Network(), NODE, bad.bad_fcs)
        assert found == (None, bad.cause), (bad.category, bad.data.hex())
    assert {bad.cause for bad in cases} == set(DROP_CAUSES)
    assert {len(bad.data) for bad in cases if bad.cause == "truncated"} == set(range(60, 1084))
    drawn = [bad_ones.malformed() for _ in range(5000)]
    seen = Counter(bad.cause for bad in drawn)
    assert set(seen) == set(DROP_CAUSES) and min(seen.values()) > 3, seen
    named = {bad.category for bad in (*cases, *drawn)}
    assert set(DATAGRAMS) <= named <= {*DATAGRAMS, *PARSING}


def test_forged_frames_parse_and_never_stand_in_the_peers_place(hostile):
    seen = Counter()
    for _ in range(3000):
        bad = hostile.forged()
        frame, cause = Frame.parse(bad.data, NODE)
        assert cause is None and frame.opcode == opcode_of(bad.data)
        assert frame.src != NODE and (frame.src != PEER) == bad.category.endswith("stranger")
        seen[bad.category] += 1
    assert set(seen) == set(FORGING)


@pytest.mark.parametrize("controlled", [False, True])
def test_forged_frames_on_controlled_links(controlled):
    """Byte 48 is any, but never says anything that would be believed; an echo is bad by its TxID,
    which only a controlled link looks at."""
    hostile = Hostile(2, NODE, PEER, 16, controlled=controlled)
    bytes_48, echoes = Counter(), Counter()
    for _ in range(4000):
        bad = hostile.forged()
        byte = field_of(bad.data, "congestion")
        bytes_48[byte] += 1
        if bad.category == "repeated PAYLOAD" and controlled and bad.vc == 2:
            assert byte & 1 == 0
        if bad.category == "echo not in flight":
            echo = controlled and bad.vc == 2
            echoes[echo] += 1
            strange, good = (bad.tx, bad.rx) if echo else (bad.rx, bad.tx)
            assert not 0 <= strange[1] < 16 and good[1] == 0 and bad.stat == "drop_bad_ack"
    assert len(bytes_48) > 100 and bytes_48[0] > 1000
    assert echoes[False] and bool(echoes[True]) == controlled


def test_byte_48_is_not_among_the_bits_that_are_always_ignored():
    assert not {*CONGESTION_BITS} & {*RESERVED_BITS} and len(CONGESTION_BITS) == 8
    assert {bit // 8 for bit in CONGESTION_BITS} == {48}


def test_reserved_bits_change_nothing_for_the_parser():
    data = Frame(PEER, NODE, 6, 2, 5, 0, 9, payload=b"x" * 9).pack()
    good, _ = Frame.parse(data, NODE)
    for bit in RESERVED_BITS:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        found, cause = Frame.parse(changed, NODE)
        assert cause is None, bit
        assert (found.payload, found.tx_id, found.epoch, found.opcode) == (
            good.payload,
            good.tx_id,
            good.epoch,
            good.opcode,
        ), bit
