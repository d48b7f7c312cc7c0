"""The story of a trace on controlled links."""

import pytest

from ttpverif.bench.story import HEADING, story_line
from ttpverif.check.trace import ACTIONS, EVENTS, OPCODES

BASE = dict.fromkeys(
    "lid epoch tx_id rx_id room delivered kept background result frame noticed notice".split(), 0
)
SENT = {f"frame_{name}": 0 for name in ("opcode", "tx_id", "rx_id", "epoch")}


def line(event, **fields):
    where = {"cycle": 7, "node": 2, "vc": 2, "old_state": 3, "new_state": 3}
    numbers = {"event": EVENTS.index(event), "action": ACTIONS.index("NOTED")}
    return story_line("a", BASE | SENT | where | numbers | fields)


@pytest.mark.parametrize(
    "event, byte, room, words",
    [
        ("RX_ACK", 0x28, 1, "c=28"),
        ("RX_NACK", 0x10, 1, "c=10"),
        ("RX_ACK", 0x0F, 1, "epoch=0000"),
        ("RX_NACK_FULL", 0x28, 1, "epoch=0000"),
        ("RX_PAYLOAD", 1, 1, "more"),
        ("RX_PAYLOAD", 1, 0, "full"),
        ("RX_PAYLOAD", 0x10, 1, "epoch=0000"),
    ],
)
def test_what_a_received_frame_says(event, byte, room, words):
    text = line(event, congestion=byte, room=room)
    assert text.split("000002/2")[0].split()[-1] == words
    assert text.index("000002/2") == HEADING.index("peer/vc")


def test_more_in_what_is_sent_and_an_engine_that_does_not_tell():
    sends = {"frame": 1, "frame_opcode": OPCODES.index("PAYLOAD")}
    assert line("VISIT", **sends, frame_more=1).endswith("epoch=0000 more")
    assert line("VISIT", **sends).endswith("epoch=0000")
    assert line("RX_ACK").split("000002/2")[0].split()[-1] == "epoch=0000"
