"""The model's state table, cell by cell, and what belongs to the whole endpoint."""

import pytest

from tests.verif.model_bench import ID, PEER, US, E, P, R, endpoint, notices, rx, sent
from tests.verif.model_states import RX_CELLS, SAME, in_state
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import epoch_distance, id_distance
from ttpverif.model.endpoint import BLOCKED, REFUSED, TAKEN, Endpoint
from ttpverif.model.link import link_hash
from ttpverif.model.states import EVENTS, TABLE, State


def test_table_is_complete():
    assert len(TABLE) == len(EVENTS) * len(State) and len(EVENTS) == 25
    assert all(hasattr(Endpoint, f"_{action}") for action in TABLE.values())


# fmt: on


@pytest.mark.parametrize(
    "event, state, frame, after",
    [
        pytest.param(event, state, *cell, id=f"{event[0]}-{event[1]}-{state}")
        for event, cells in RX_CELLS
        for state, cell in cells.items()
    ],
)
def test_cell_of_the_table(event, state, frame, after):
    m = in_state(state)
    outcome = rx(m, *event)
    assert sent(outcome) == frame
    assert outcome.old_state.name == state
    assert outcome.new_state.name == (state if after is SAME else after)
    expected = {"OPEN": ["LINK_UP"]} if state == "OPEN_SENT" else {}
    if after == "CLOSED":
        expected = {"CLOSED": ["REFUSED" if state == "OPEN_SENT" else "LINK_DOWN"]}
    if frame and frame[0] == "OPEN_NACK":
        expected = {SAME: ["IDS_REUSED"]}
    assert notices(outcome) == expected.get(after, [])
    m.check()


def colliding(count, **changes):
    """Nodes that share one set of a table with `changes`, on VC 0."""
    first = link_hash(PEER, 0, changes["sets"], changes["vc_tables"])
    return [
        n
        for n in range(PEER, 4000)
        if link_hash(n, 0, changes["sets"], changes["vc_tables"]) == first
    ][:count]


def test_full_set_and_victim():
    table = dict(sets=4, vc_tables=1)
    a, b, c = colliding(3, **table)
    m = endpoint(**table)
    for node in (a, b):
        m.host_open(node, 0)
        rx(m, "OPEN_ACK", R + 1, link_of(m, node).open_id, src=node)
    rx(m, "PAYLOAD", R + 1, src=a)
    m.timer(a, 0), m.timer(b, 0)
    outcome = rx(m, "OPEN", 7, 0, src=c)
    assert sent(outcome) == ("OPEN_NACK", 0, 7, P) and outcome.victim == (b, 0)
    m.host_payload(b, 0, b"busy")
    outcome = m.host_payload(c, 0, b"x")
    assert (outcome.result, sent(outcome), outcome.victim) == (BLOCKED, None, (a, 0))
    m.host_payload(a, 0, b"busy")
    assert (m.host_open(c, 0).result, m.host_open(c, 0).victim) == (REFUSED, None)
    assert sent(m.victim(a, 0)) is None
    rx(m, "ACK", 0, link_of(m, a).oldest, src=a)
    m.host_payload(a, 0, b"waits", send_now=False)
    assert sent(m.victim(a, 0)) is None and m.host_open(c, 0).victim is None
    rx(m, "ACK", 0, m.visit(a, 0).frame.tx_id, src=a)
    assert sent(m.victim(a, 0)) is None and m.host_open(c, 0).victim is None  # busy just now
    m.timer(a, 0)
    assert m.host_open(c, 0).victim == (a, 0)
    assert m.victim(a, 0).frame.opcode == Opcode.CLOSE


def link_of(m, node):
    return m.links.find(node, 0)


def test_slots_and_link_limit():
    m = in_state("OPEN", slots=4, link_slots=3)
    assert [m.host_payload(PEER, 0, b"x").result for _ in range(4)] == [TAKEN] * 3 + [BLOCKED]
    assert m.host_payload(3, 0, b"x").result == TAKEN
    assert m.host_payload(4, 0, b"x").result == BLOCKED and m.state(4, 0) == State.CLOSED
    rx(m, "ACK", 0, ID)
    assert [m.host_payload(PEER, 0, b"x").result for _ in range(2)] == [TAKEN, BLOCKED]


def test_hash():
    assert link_hash(0x123456, 2, 256, 3) == (2, 0x12 ^ 0x2C ^ 0x56)
    assert link_hash(0x123456, 2, 256, 1) == (0, 0x12 ^ 0x2C ^ 0x56 ^ 2)
    assert link_hash(0x123456, 0, 16, 3) == (0, 0x6 ^ 0x8)
    assert link_hash(0x123456, 0, 8, 3) == (0, 0o1 ^ 0o5 ^ 0o0)
    assert link_hash(0x123456, 0, 16384, 3) == (0, 0x3468)
    assert len({link_hash(n, 0, 256, 3) for n in range(256)}) == 256


def test_module_peer_as_opener():
    m = endpoint()
    outcome = rx(m, "OPEN", 1, 1, 0)
    assert sent(outcome) == ("OPEN_ACK", 2, 1, E)


def test_answers_in_kind():
    m = endpoint()
    for ethertype in (0x0AC6, 0x9AC6):
        node = ethertype >> 12
        opened = m.receive(Frame(node + 2, US, Opcode.OPEN, 0, 5, 0, P, ethertype=ethertype))
        assert opened.frame.ethertype == ethertype
        m.open_ack_sent(node + 2, 0)
        assert m.host_payload(node + 2, 0, b"x").frame.ethertype == ethertype


def test_serial_numbers():
    assert id_distance(0, 0xFFFFFFFF) == 1 and id_distance(0xFFFFFFFF, 0) == -1
    assert id_distance(0x80000000, 0) < 0 < id_distance(0x7FFFFFFF, 0)
    assert epoch_distance(1, 0xFFFF) == 2 and epoch_distance(0x8000, 0) < 0
