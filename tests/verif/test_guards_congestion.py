"""The conditions of the state table on controlled links, as the coverage works them out."""

import pytest

from ttpverif.check.trace import ACTIONS
from ttpverif.coverage.cells import GUARDS, CellCoverage
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.endpoint import Endpoint, Parameters

PEER, VC, ID = 2, 2, 100
BOTH = 0x60


def opened(ext=BOTH, data=0, **parameters):
    model = Endpoint(Parameters(1, **parameters), lambda: (ID - 1, 5))
    model.host_open(PEER, VC)
    model.receive(Frame(PEER, 1, Opcode.OPEN_ACK, VC, 501, ID - 1, 7, ext))
    for _ in range(data):
        model.host_payload(PEER, VC, b"x")
    return model


def holds(model, guard, **record):
    link = model.links.find(PEER, VC)
    return bool(GUARDS[guard](link, record, model.parameters))


def test_controlled_and_free():
    assert holds(opened(), "CONTROLLED") and not holds(opened(0x20), "CONTROLLED")
    assert holds(opened(), "CAN_SEND", free=1) and not holds(opened(), "CAN_SEND", free=0)
    assert holds(opened(0x20), "CAN_SEND", free=0)
    assert holds(opened(0x20), "CAN_SEND"), "an engine without the law"


@pytest.mark.parametrize(
    "ext, link_slots, data, full",
    [
        (BOTH, 0, 5, False),
        (BOTH, 0, 6, True),
        (BOTH, 4, 4, True),
        (0x20, 0, 6, False),
        (0x20, 4, 4, True),
    ],
)
def test_at_limit(ext, link_slots, data, full):
    assert holds(opened(ext, data, slots=8, link_slots=link_slots), "AT_LIMIT") == full


@pytest.mark.parametrize(
    "tx_id, echo, good", [(0, 0, 0), (ID, 1, 1), (ID + 2, 1, 0), (ID - 1, 1, 0)]
)
def test_echo(tx_id, echo, good):
    model = opened(data=2)
    assert holds(model, "ECHO", tx_id=tx_id) == bool(echo)
    assert holds(model, "ECHO_OK", tx_id=tx_id) == bool(good)


def test_paced():
    model = opened(data=2)
    assert not holds(model, "PACED")
    model.links.find(PEER, VC).position = ID
    assert holds(model, "PACED")
    model.receive(Frame(PEER, 1, Opcode.ACK, VC, 0, ID + 1, 7))
    assert not holds(model, "PACED"), "nothing is unacknowledged"
    other = opened(0x20, data=2)
    other.links.find(PEER, VC).position = ID
    assert not holds(other, "PACED")


@pytest.mark.parametrize(
    "count, slow, coin, patient",
    [
        (0, 1, 0, True),
        (1, 1, 0, True),
        (2, 1, 1, False),
        (3, 1, 0, False),
        (3, 0, 1, True),
        (9, 0, 1, True),
        (0, 0, 1, False),
    ],
)
def test_patient(count, slow, coin, patient):
    model = opened(data=1)
    model.links.find(PEER, VC).count = count
    assert holds(model, "PATIENT", slow=slow, coin=coin) == patient
    model.links.find(PEER, VC).controlled = False
    assert not holds(model, "PATIENT", slow=slow, coin=coin)
    assert not holds(model, "PATIENT"), "an engine without the law"


ACKS = [
    (("STALE",), "DROP_STALE", "OPEN"),
    (("CONTROLLED", "ECHO", "ECHO_OK"), "NOTED", "OPEN"),
    (("CONTROLLED", "ECHO"), "DROP_BAD_ACK", "OPEN"),
    (("IN_WINDOW",), "RETIRE", "OPEN"),
    ((), "DROP_BAD_ACK", "OPEN"),
]


@pytest.mark.parametrize(
    "ext, tx_id, row, action",
    [
        (BOTH, ID, 1, "NOTED"),
        (BOTH, ID + 7, 2, "DROP_BAD_ACK"),
        (BOTH, 0, 3, "RETIRE"),
        (0x20, ID, 3, "RETIRE"),
    ],
)
def test_the_rows_of_an_ack_agree_with_the_model(ext, tx_id, row, action):
    model, coverage = opened(ext, data=2), CellCoverage({"RX_ACK": {"OPEN": ACKS}})
    record = {"event": 7, "node": PEER, "vc": VC, "old_state": 3, "new_state": 3, "frame": 0}
    record |= {"action": ACTIONS.index(action), "tx_id": tx_id, "rx_id": ID, "epoch": 7}
    record["frees"] = action == "RETIRE"
    coverage.before(model, record)
    model.receive(Frame(PEER, 1, Opcode.ACK, VC, tx_id, ID, 7))
    coverage.after(model, record)
    assert coverage.taken == {("RX_ACK", "OPEN", row)}
    assert coverage.stats["drop_bad_ack"] == (action == "DROP_BAD_ACK")
    with pytest.raises(AssertionError, match="by the numbers"):
        coverage.before(opened(ext, data=2), record | {"action": ACTIONS.index("NOTHING")})
