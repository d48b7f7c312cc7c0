"""The model against the protocol's tables and docs/protocol/decisions.md, rule by rule."""

import pytest

from tests.verif.model_bench import ID, PEER, US, E, P, R, endpoint, link, notices, rx, sent
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import epoch_distance, id_distance
from ttpverif.model.endpoint import BLOCKED, REFUSED, TAKEN, Endpoint
from ttpverif.model.link import link_hash
from ttpverif.model.states import EVENTS, TABLE, State


def in_state(state, peer_epoch=P, data=0, **changes):
    """A model whose link to PEER is in `state`; `data` payloads sent and unacknowledged."""
    m = endpoint(**changes)
    if state == "CLOSED":
        return m
    if state in ("OPEN_SENT", "OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        assert sent(m.host_open(PEER, 0)) == ("OPEN", ID - 1, 0, E)
    if state == "OPEN_RECD":
        rx(m, "OPEN", R, 0, peer_epoch)
    if state in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        assert notices(rx(m, "OPEN_ACK", R + 1, ID - 1, peer_epoch)) == ["LINK_UP"]
        for n in range(max(data, state == "CLOSE_RECD")):
            assert m.host_payload(PEER, 0, b"%d" % n).result == TAKEN
    if state == "CLOSE_SENT":
        m.host_close(PEER, 0)
    if state == "CLOSE_RECD":
        rx(m, "CLOSE", R + 1, ID - 1, peer_epoch)
    assert m.state(PEER, 0) == State[state]
    return m


def test_table_is_complete():
    assert len(TABLE) == len(EVENTS) * len(State) and len(EVENTS) == 25
    assert all(hasattr(Endpoint, f"_{action}") for action in TABLE.values())


# (event arguments, {state: (frame, new state)}); one line per cell of the protocol's table.
SAME = object()
ALL_STATES = ("CLOSED", "OPEN_SENT", "OPEN_RECD", "OPEN", "CLOSE_SENT", "CLOSE_RECD")
# fmt: off
RX_CELLS = [
    (("OPEN", R, 0, P), {
        "CLOSED": (("OPEN_ACK", ID, R, E), "OPEN_RECD"),
        "OPEN_SENT": (("OPEN_ACK", ID, R, E), SAME), "OPEN_RECD": (("OPEN_ACK", ID, R, E), SAME),
        "OPEN": (("OPEN_ACK", ID, R, E), SAME), "CLOSE_SENT": (("OPEN_ACK", ID, R, E), SAME),
        "CLOSE_RECD": (("OPEN_ACK", ID, R, E), SAME)}),
    (("OPEN", R - 1, 0, P), {
        "OPEN_RECD": (("OPEN_ACK", ID, R - 1, E), SAME),        # nothing is used there (L19)
        "OPEN": (("OPEN_NACK", 0, R - 1, P), SAME),
        "CLOSE_SENT": (("OPEN_NACK", 0, R - 1, P), SAME),
        "CLOSE_RECD": (("OPEN_NACK", 0, R - 1, P), SAME)}),
    (("OPEN_ACK", R + 1, ID - 1, P), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, "OPEN"), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, SAME), "CLOSE_RECD": (None, SAME)}),
    (("OPEN_NACK", 0, ID - 1, E), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, "CLOSED"), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, SAME), "CLOSE_RECD": (None, SAME)}),
    (("CLOSE", R + 1, ID, P), {
        "CLOSED": (("CLOSE_ACK", 0, R + 1, P), SAME),
        "OPEN_SENT": (("CLOSE_ACK", 0, R + 1, P), "CLOSED"),
        "OPEN_RECD": (("CLOSE_ACK", 0, R + 1, E), SAME),
        "OPEN": (("CLOSE_ACK", 0, R + 1, E), "CLOSED"),
        "CLOSE_SENT": (("CLOSE_ACK", 0, R + 1, E), "CLOSED"),
        "CLOSE_RECD": (("CLOSE_ACK", 0, R + 1, E), "CLOSED")}),
    (("CLOSE", R + 3, ID - 1, P), {
        "OPEN": (("CLOSE_NACK", ID - 1, R, E), "CLOSE_RECD"),
        "CLOSE_SENT": (("CLOSE_NACK", ID - 1, R, E), SAME),
        "CLOSE_RECD": (("CLOSE_NACK", ID, R, E), SAME)}),
    (("CLOSE_ACK", 0, 0, P), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),
        "OPEN": (None, SAME), "CLOSE_SENT": (None, "CLOSED"), "CLOSE_RECD": (None, "CLOSED")}),
    (("CLOSE_NACK", R + 2, ID - 1, P), dict.fromkeys(ALL_STATES, (None, SAME))),
    (("PAYLOAD", R + 1, 0, P), {
        "CLOSED": (("NACK_NOLINK", 0, R + 1, P), SAME),
        "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),       # L15
        "OPEN": (("ACK", 0, R + 1, E), SAME), "CLOSE_SENT": (("ACK", 0, R + 1, E), SAME),
        "CLOSE_RECD": (("NACK_NOLINK", 0, R + 1, P), SAME)}),
    (("NACK_NOLINK", 0, 0, E), {
        "CLOSED": (None, SAME), "OPEN_SENT": (None, SAME), "OPEN_RECD": (None, SAME),
        "OPEN": (None, "CLOSED"), "CLOSE_SENT": (None, "CLOSED"), "CLOSE_RECD": (None, "CLOSED")}),
    *(((opcode, 0, ID, P), dict.fromkeys(ALL_STATES, (None, SAME))) for opcode in ("ACK", "NACK",
                                                                         "NACK_FULL")),
]
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


@pytest.mark.parametrize(
    "state, frame, after, count",
    [
        ("OPEN_SENT", ("OPEN", ID - 1, 0, E), "OPEN_SENT", 1),
        ("OPEN_RECD", ("OPEN_ACK", ID, R, E), "OPEN_RECD", 1),
        ("OPEN", None, "OPEN", 1),
        ("CLOSE_SENT", ("CLOSE", ID, R, E), "CLOSE_SENT", 1),
        ("CLOSE_RECD", None, "CLOSE_RECD", 1),
    ],
)
def test_time_out_and_retries_used_up(state, frame, after, count):
    m = in_state(state, data=state == "OPEN", max_retry=2)
    assert sent(m.timer(PEER, 0)) is None
    for _ in range(2):
        outcome = m.timer(PEER, 0)
        assert (sent(outcome), outcome.new_state.name) == (frame, after)
        if state in ("OPEN", "CLOSE_RECD"):
            assert sent(m.visit(PEER, 0)) == ("PAYLOAD", ID, 0, E)
    outcome = m.timer(PEER, 0)
    assert sent(outcome) is None and outcome.new_state == State.CLOSED
    assert notices(outcome) == ["RETRIES_USED_UP"] and m.free_slots == 1024


def test_max_retry_0_is_never():
    m = in_state("OPEN_SENT")
    for _ in range(500):
        m.timer(PEER, 0)
    assert m.state(PEER, 0) == State.OPEN_SENT


def test_idle_close_and_what_prevents_it():
    m = in_state("OPEN", idle_limit=2)
    for _ in range(3):
        assert sent(m.timer(PEER, 0)) is None
    m.host_payload(PEER, 0, b"a")
    rx(m, "ACK", 0, ID)
    for _ in range(3):
        assert sent(m.timer(PEER, 0)) is None
    outcome = m.timer(PEER, 0)
    assert sent(outcome) == ("CLOSE", ID + 1, R, E) and link(m).count == 0
    never = in_state("OPEN")
    assert all(sent(never.timer(PEER, 0)) is None for _ in range(100))


def test_first_send_clears_the_timer_bit_and_an_idle_count():
    m = in_state("OPEN", idle_limit=9)
    for _ in range(3):
        m.timer(PEER, 0)
    assert link(m).count == 2
    m.host_payload(PEER, 0, b"a")
    assert link(m).count == 0
    m.timer(PEER, 0)
    assert link(m).count == 0 and not m.pending()
    m.timer(PEER, 0)
    assert link(m).count == 1 and m.pending()
    m.visit(PEER, 0)  # a replay clears neither
    m.host_payload(PEER, 0, b"b")
    assert link(m).count == 1 and not link(m).timer_bit


def test_an_acknowledgement_clears_bit_and_count():
    for opcode, tx_id, rx_id in (("ACK", 0, ID), ("NACK", 0, ID + 1)):
        m = in_state("OPEN", data=2)
        m.timer(PEER, 0), m.timer(PEER, 0)
        rx(m, "NACK", 0, ID)
        assert (link(m).count, link(m).timer_bit) == (1, True)
        rx(m, opcode, tx_id, rx_id)
        assert (link(m).count, link(m).timer_bit) == (0, False)


@pytest.mark.parametrize("data, after", [(0, (0, False)), (2, (1, True))])
def test_a_payload_is_progress_only_where_nothing_waits_for_an_ack(data, after):
    """L1: the peer may send, and still not have what was lost."""
    m = in_state("OPEN", data=data, idle_limit=9)
    m.timer(PEER, 0), m.timer(PEER, 0)
    assert (link(m).count, link(m).timer_bit) == (1, True)
    rx(m, "PAYLOAD", R + 1, 0)
    assert (link(m).count, link(m).timer_bit) == after


def test_idle_close_goes_before_an_open_gap():
    m = in_state("OPEN", idle_limit=1)
    rx(m, "PAYLOAD", R + 2)
    nack = ("NACK", 0, R + 1, E)
    assert [sent(m.timer(PEER, 0)) for _ in range(4)] == [nack, nack, ("CLOSE", ID, R, E), nack]


def test_restart_keeps_the_hosts_close():
    m = in_state("OPEN_RECD")
    m.host_close(PEER, 0)
    rx(m, "OPEN", 9, 0, P + 1)
    m.open_ack_sent(PEER, 0)
    assert m.visit(PEER, 0).frame.opcode == Opcode.CLOSE


def test_timer_ends_a_hold_with_a_replay():
    m = in_state("OPEN", data=2)
    rx(m, "NACK_FULL")
    assert m.pending() == [] and sent(m.timer(PEER, 0)) is None
    assert [m.visit(PEER, 0).frame.tx_id for _ in range(2)] == [ID, ID + 1]
    assert link(m).count == 0


def test_end_named_by_close_nack():
    near = 0xFFFFFFF0
    m = in_state("OPEN_SENT")
    rx(m, "OPEN_ACK", near + 1, ID - 1)
    m.host_close(PEER, 0)
    rx(m, "CLOSE_NACK", 0, ID - 1)
    assert link(m).peer_end is None  # 0 names no end, though it is younger
    rx(m, "CLOSE_NACK", 5, ID - 1)
    assert link(m).peer_end == 5
    m = in_state("CLOSE_RECD")
    assert link(m).peer_end == R
    rx(m, "CLOSE_NACK", R + 4, ID - 1)
    assert link(m).peer_end == R + 4


def test_new_data_does_not_keep_a_dead_link_alive():
    m = in_state("OPEN", data=1, max_retry=2)
    for _ in range(4):
        m.host_payload(PEER, 0, b"more")
        m.timer(PEER, 0)
        m.timer(PEER, 0)
    assert m.state(PEER, 0) == State.CLOSED


@pytest.mark.parametrize(
    "state, result",
    [
        ("OPEN_SENT", TAKEN),
        ("OPEN_RECD", TAKEN),
        ("OPEN", TAKEN),
        ("CLOSE_SENT", REFUSED),
        ("CLOSE_RECD", REFUSED),
        ("CLOSED", TAKEN),
    ],
)
def test_host_payload(state, result):
    m = in_state(state)
    outcome = m.host_payload(PEER, 0, b"abc")
    assert outcome.result == result
    assert sent(outcome) == {"OPEN": ("PAYLOAD", ID, 0, E), "CLOSED": ("OPEN", ID - 1, 0, E)}.get(
        state
    )


def test_payload_waits_for_its_turn():
    m = in_state("OPEN")
    assert sent(m.host_payload(PEER, 0, b"a", send_now=False)) is None
    assert sent(m.host_payload(PEER, 0, b"b")) is None
    assert m.pending() == [(PEER, 0)]
    assert [m.visit(PEER, 0).frame.payload for _ in range(2)] == [b"a", b"b"]
    assert sent(m.visit(PEER, 0)) is None and m.pending() == []


def test_host_close():
    m = in_state("OPEN_SENT")
    m.host_payload(PEER, 0, b"a")
    outcome = m.host_close(PEER, 0)
    assert notices(outcome) == ["REFUSED"] and m.free_slots == 1024
    m = in_state("OPEN_RECD")
    m.host_payload(PEER, 0, b"a")
    assert sent(m.host_close(PEER, 0)) is None
    assert m.host_payload(PEER, 0, b"b").result == REFUSED
    outcome = m.open_ack_sent(PEER, 0)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN, ["LINK_UP"])
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R, E)
    assert sent(m.visit(PEER, 0)) == ("PAYLOAD", ID, 0, E)


def test_ack_window():
    m = in_state("OPEN", data=3)
    m.host_payload(PEER, 0, b"unsent", send_now=False)
    for wrong in (ID - 1, ID + 3, ID + 4, ID ^ 0x80000000):
        assert rx(m, "ACK", 0, wrong).drop == "bad_ack"
    assert m.free_slots == 1020
    assert rx(m, "ACK", 0, ID + 1).drop is None and m.free_slots == 1022
    assert rx(m, "ACK", 0, ID + 1).drop == "bad_ack"


@pytest.mark.parametrize(
    "named, drop, oldest, replayed",
    [
        (ID, None, ID, ID),
        (ID + 2, None, ID + 2, ID + 2),
        (ID - 1, None, ID, ID),
        (ID + 3, "bad_ack", ID, None),
        (ID + 0x7000, "bad_ack", ID, None),
    ],
)
def test_nack(named, drop, oldest, replayed):
    m = in_state("OPEN", data=3)
    outcome = rx(m, "NACK", 0, named)
    assert outcome.drop == drop and link(m).oldest == oldest
    frame = m.visit(PEER, 0).frame
    assert (frame and frame.tx_id) == replayed
    assert not frame or frame.payload == b"%d" % (replayed - ID)


def test_ack_takes_packets_out_of_a_replay():
    m = in_state("OPEN", data=3)
    rx(m, "NACK", 0, ID)
    rx(m, "ACK", 0, ID + 1)
    assert m.visit(PEER, 0).frame.tx_id == ID + 2
    assert m.visit(PEER, 0).frame is None


def test_hold():
    m = in_state("OPEN")
    assert rx(m, "NACK_FULL").drop == "bad_ack"
    m.host_payload(PEER, 0, b"a")
    m.host_payload(PEER, 0, b"b")
    assert rx(m, "NACK_FULL").drop is None
    assert sent(m.host_payload(PEER, 0, b"c")) is None
    rx(m, "NACK", 0, ID + 1)
    assert link(m).oldest == ID + 1 and m.pending() == [] and m.visit(PEER, 0).frame is None
    m.timer(PEER, 0)
    assert m.visit(PEER, 0).frame.tx_id == ID + 1


def test_gap():
    m = in_state("OPEN")
    nack = ("NACK", 0, R + 1, E)
    answers = [
        (R + 3, nack),
        (R + 4, None),
        (R + 6, None),
        (R + 6, nack),
        (R + 7, None),
        (R + 2, nack),
        (R + 3, None),
    ]
    for packet_id, answer in answers:
        outcome = rx(m, "PAYLOAD", packet_id)
        assert (sent(outcome), outcome.drop, outcome.deliveries) == (answer, "gap", [])
    assert sent(m.timer(PEER, 0)) == nack and sent(m.timer(PEER, 0)) == nack
    full = rx(m, "PAYLOAD", R + 1, room=False)
    assert (sent(full), full.drop) == (("NACK_FULL", 0, 0, E), "no_room")
    assert sent(m.timer(PEER, 0)) == nack
    outcome = rx(m, "PAYLOAD", R + 1, payload=b"it")
    assert outcome.deliveries == [(PEER, 0, R + 1, b"it")]
    assert sent(m.timer(PEER, 0)) is None
    again = rx(m, "PAYLOAD", R + 1, room=False)
    assert (sent(again), again.drop) == (("ACK", 0, R + 1, E), "duplicate")


@pytest.mark.parametrize("opcode", ["PAYLOAD", "ACK", "NACK", "NACK_FULL", "CLOSE", "CLOSE_NACK"])
@pytest.mark.parametrize("state", ["OPEN_RECD", "OPEN", "CLOSE_SENT", "CLOSE_RECD"])
def test_stale_epoch(opcode, state):
    means_nothing = (
        state == "OPEN_RECD" and opcode != "CLOSE" or state == "OPEN" and opcode == "CLOSE_NACK"
    )
    drop = "unexpected" if means_nothing else "stale"
    for epoch in (P - 1, P + 1, E, 0):
        outcome = rx(in_state(state, data=1), opcode, R + 1, ID, epoch)
        assert (outcome.drop, outcome.frame, outcome.new_state.name) == (drop, None, state)
    unchecked = in_state("OPEN", peer_epoch=0, data=1)
    assert rx(unchecked, opcode, R + 1, ID, 0x1234).drop != "stale"


def test_which_refusals_are_believed():
    for epoch, believed in ((E, True), (0, False), (P, False)):
        assert (
            rx(in_state("OPEN"), "NACK_NOLINK", epoch=epoch).new_state == State.CLOSED
        ) == believed
        close_ack = rx(in_state("CLOSE_SENT"), "CLOSE_ACK", epoch=epoch)
        assert (close_ack.new_state == State.CLOSED) == (epoch != 0)
    assert rx(in_state("OPEN", peer_epoch=0), "NACK_NOLINK", epoch=0).new_state == State.CLOSED
    for epoch, rx_id, drop in (
        (0, ID - 1, None),
        (E, ID - 1, None),
        (P, ID - 1, "unexpected"),
        (E, ID, "unexpected"),
    ):
        assert rx(in_state("OPEN_SENT"), "OPEN_NACK", 0, rx_id, epoch).drop == drop
    heard = in_state("OPEN_SENT")
    rx(heard, "OPEN", R, 0, P)
    assert rx(heard, "OPEN_NACK", 0, ID - 1, 0).drop == "unexpected"


def test_receive_position_from_the_open_ack():
    for heard, tx_id, position in ((False, 0, 1), (False, 41, 40), (True, 0, R), (True, 41, 40)):
        m = in_state("OPEN_SENT")
        if heard:
            rx(m, "OPEN", R, 0, P)
        assert rx(m, "OPEN_ACK", tx_id, ID).drop == "unexpected"
        rx(m, "OPEN_ACK", tx_id, ID - 1)
        assert link(m).received == position


@pytest.mark.parametrize(
    "had, epoch, tx_id, kind",
    [
        (P, P, R, "repeat"),
        (P, P + 1, R, "restart"),
        (P, P - 1, R, "stale"),
        (P, 0, R, "restart"),
        (0, P, R, "restart"),
        (P, P + 0x7FFF, R, "restart"),
        (P, P + 0x8000, R, "stale"),
    ],
)
def test_open_on_an_open_link(had, epoch, tx_id, kind):
    m = in_state("OPEN", peer_epoch=had, data=2)
    outcome = rx(m, "OPEN", tx_id, 30, epoch)
    assert outcome.new_state == State.OPEN
    if kind == "stale":
        assert (sent(outcome), outcome.drop) == (None, "stale")
    elif kind == "repeat":
        assert sent(outcome) == ("OPEN_ACK", ID, tx_id, E) and link(m).stored == 2
        assert notices(outcome) == [] and link(m).received == R
    else:
        first = 31 if epoch == 0 else ID + 1000
        assert sent(outcome) == ("OPEN_ACK", first, tx_id, E + 1)
        assert notices(outcome) == ["PEER_RESTARTED"]
        assert (link(m).stored, link(m).received, link(m).peer_epoch) == (0, tx_id, epoch)


@pytest.mark.parametrize("state", ["OPEN", "CLOSE_SENT", "CLOSE_RECD"])
@pytest.mark.parametrize("used_by", ["PAYLOAD", "gap"])
def test_repeated_open_whose_ids_were_used(state, used_by):
    """L19: nothing changes, the peer's OPEN is refused, both hosts hear of it."""
    for selective in (False, True):
        m = in_state("OPEN", data=2, selective=selective)
        rx(m, "PAYLOAD", R + 1 if used_by == "PAYLOAD" else R + 2)
        if state == "CLOSE_SENT":
            m.host_close(PEER, 0)
        elif state == "CLOSE_RECD":
            rx(m, "CLOSE", R + 5, ID - 1)
        before = repr(link(m))
        outcome = rx(m, "OPEN", R, 0)
        assert sent(outcome) == ("OPEN_NACK", 0, R, P) and outcome.frame.dst == PEER
        assert (outcome.drop, notices(outcome)) == ("open_reused", ["IDS_REUSED"])
        assert m.counters["open_reused"] == 1 and repr(link(m)) == before
        assert outcome.new_state.name == state


def test_open_nack_of_used_ids_is_believed_by_a_peer_that_opens():
    """L19: the other side of it: OPEN_SENT ends, with the notice; long OPEN it is ignored (L7)."""
    assert rx(in_state("OPEN"), "OPEN_NACK", 0, ID - 1, E).drop == "unexpected"
    assert notices(rx(in_state("OPEN_SENT"), "OPEN_NACK", 0, ID - 1, E)) == ["REFUSED"]


def test_no_link_with_ourselves():
    """L20: neither by the host nor by a frame, and neither in silence."""
    m = endpoint()
    for ask in (lambda: m.host_open(US, 0), lambda: m.host_payload(US, 0, b"x")):
        outcome = ask()
        assert (outcome.result, notices(outcome), sent(outcome)) == (REFUSED, ["REFUSED"], None)
        assert not list(m.links) and outcome.victim is None
    assert sent(m.host_close(US, 0)) is None
    full = endpoint(slots=1)
    full.host_payload(PEER, 0, b"the only slot")
    assert full.host_payload(US, 0, b"x").result == REFUSED, "not BLOCKED: it would wait for ever"
    for opcode in Opcode:
        data = Frame(US, US, opcode, payload=b"x" * (opcode == Opcode.PAYLOAD)).pack()
        assert m.receive_bytes(data) is None
    assert m.counters == {"own_source": len(Opcode)}


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD", "OPEN_RECD", "OPEN"])
@pytest.mark.parametrize("epoch", [P, 0])
def test_refused_payload_is_told(state, epoch):
    """L21: on a link that closes, or whose close is remembered."""
    m = in_state("OPEN_RECD" if state == "OPEN" else state, peer_epoch=epoch)
    m.host_close(PEER, 0)
    if state == "OPEN":
        m.open_ack_sent(PEER, 0)
    outcome = m.host_payload(PEER, 0, b"late")
    assert (outcome.result, outcome.notices) == (REFUSED, [("PAYLOAD_REFUSED", PEER, 0)])
    assert outcome.new_state.name == state and sent(outcome) is None
    if state.startswith("CLOSE"):
        assert notices(m.host_open(PEER, 0)) == ["REFUSED"]


@pytest.mark.parametrize("state", ["CLOSE_SENT", "CLOSE_RECD"])
def test_restart_while_closing(state):
    outcome = rx(in_state(state), "OPEN", 9, 0, P + 1)
    assert sent(outcome) == ("OPEN_ACK", ID + 1000, 9, E + 1)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN_RECD, ["LINK_DOWN"])


def test_restart_in_open_recd_replaces():
    m = in_state("OPEN_RECD")
    for data in (b"a", b"b"):
        m.host_payload(PEER, 0, data)
    outcome = rx(m, "OPEN", 9, 0, P + 1)
    assert (outcome.new_state, notices(outcome)) == (State.OPEN_RECD, [])
    assert sent(outcome) == ("OPEN_ACK", ID + 1000, 9, E + 1)
    m.open_ack_sent(PEER, 0)
    waited = [m.visit(PEER, 0).frame for _ in range(2)]
    assert [(f.tx_id, f.payload) for f in waited] == [(ID + 1000, b"a"), (ID + 1001, b"b")]


def test_close_again():
    """C4: due on the event that completes both conditions, sent by the next visit."""
    m = in_state("CLOSE_SENT", data=1)
    assert sent(rx(m, "CLOSE_NACK", R + 1, ID - 1)) is None
    assert sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)
    assert m.visit(PEER, 0).frame is None
    assert sent(rx(m, "ACK", 0, ID)) is None
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R + 1, E)
    m = in_state("CLOSE_SENT", data=1)
    rx(m, "CLOSE_NACK", R + 1, ID - 1)
    assert sent(rx(m, "ACK", 0, ID)) is None
    m.timer(PEER, 0), m.timer(PEER, 0)
    assert sent(rx(m, "PAYLOAD", R + 2)) == ("NACK_NOLINK", 0, R + 2, P)
    assert sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)
    assert m.pending() == [(PEER, 0)]
    assert sent(m.visit(PEER, 0)) == ("CLOSE", ID + 1, R + 1, E)
    assert m.visit(PEER, 0).frame is None
    m = in_state("CLOSE_SENT")
    assert sent(rx(m, "CLOSE_NACK", 0, 0)) is None
    m.timer(PEER, 0)
    assert sent(m.timer(PEER, 0)) == ("CLOSE", ID, R, E)


def test_no_close_before_the_peers_end():
    m = in_state("CLOSE_SENT", max_retry=5)
    rx(m, "CLOSE_NACK", R + 1, 0)
    assert [sent(m.timer(PEER, 0)) for _ in range(4)] == [None] * 4 and link(m).count == 3


def test_close_recd_says_its_end_again():
    m = in_state("OPEN")
    rx(m, "CLOSE", R + 3, ID - 1)
    m.timer(PEER, 0)
    assert sent(m.timer(PEER, 0)) == ("CLOSE_NACK", ID - 1, R, E)
    rx(m, "PAYLOAD", R + 2)
    assert sent(m.timer(PEER, 0)) == ("NACK", 0, R + 1, E)  # C7
    for packet_id, answer in ((R + 1, "ACK"), (R + 2, "ACK"), (R + 3, "NACK_NOLINK"), (R, "ACK")):
        assert rx(m, "PAYLOAD", packet_id).frame.opcode.name == answer


def test_close_without_an_end_declares_nothing():
    """C2: TxID 0; also of a peer that has epochs, behind its ID ffffffff (C9)."""
    assert rx(in_state("OPEN"), "CLOSE", 0, 0).new_state == State.CLOSED
    m = in_state("OPEN", data=1)
    assert sent(rx(m, "CLOSE", 0, ID)) == ("CLOSE_NACK", ID, R, E)  # ID is not acknowledged
    assert link(m).stored == 1 and sent(rx(m, "PAYLOAD", R + 1)) == ("ACK", 0, R + 1, E)


def test_close_acknowledges():
    m = in_state("OPEN", data=2)
    assert rx(m, "CLOSE", R + 1, ID + 1).new_state == State.CLOSED
    m = in_state("OPEN", data=2)
    assert sent(rx(m, "CLOSE", R + 1, ID)) == ("CLOSE_NACK", ID + 1, R, E)
    assert link(m).stored == 1


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
