"""The trace port's code points as the verification side has them, and the story of a trace."""

from ttpoe.config import preset
from ttpoe.layouts import HostResult, Notice, trace_layout
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.protocol import Opcode
from ttpverif.bench.story import HEADING, story_line
from ttpverif.check import trace
from ttpverif.coverage.cells import ACTION_STATS, GUARDS, HARDWARE_KNOWS, OUTSIDE


def names(enumeration):
    points = sorted(enumeration, key=lambda point: point.value)
    assert [point.value for point in points] == list(range(len(points)))
    return tuple(point.name for point in points)


def test_code_points():
    assert trace.EVENTS == names(Event)
    assert trace.STATES == names(LinkState)
    assert trace.ACTIONS == names(Action)
    assert trace.RESULTS == names(HostResult)
    assert trace.NOTICES == names(Notice)
    assert trace.OPCODES == names(Opcode)


def test_conditions_and_statistics_are_those_of_the_table():
    from ttpoe.link.effects import EFFECTS
    from ttpoe.link.fsm import GUARDS as HARDWARE

    assert {*GUARDS, *HARDWARE_KNOWS, *OUTSIDE} == set(HARDWARE)
    assert {
        action.name: effects.stat for action, effects in EFFECTS.items() if effects.stat
    } == ACTION_STATS


def record(**fields):
    empty = {name: 0 for name, _field in trace_layout(preset("tiny"))}
    return {"cycle": 1234, **empty, **fields}


def test_a_line_tells_the_event():
    line = story_line(
        "a",
        record(
            event=Event.RX_PAYLOAD.value,
            lid=5,
            node=0xABC,
            vc=2,
            old_state=3,
            new_state=3,
            action=Action.DELIVER.value,
            epoch=0x55,
            tx_id=0x5000,
            room=1,
            delivered=1,
            frame=1,
            frame_opcode=Opcode.ACK.value,
            frame_rx_id=0x5000,
            frame_epoch=0x66,
        ),
    )
    assert (
        line.split()
        == (
            "1234 a RX_PAYLOAD tx=00005000 rx=00000000 epoch=0055 000abc/2 #5 OPEN DELIVER "
            "to the host; sends ACK tx=00000000 rx=00005000 epoch=0066"
        ).split()
    )
    for word, title in (
        ("RX_PAYLOAD", "event"),
        ("000abc/2", "peer/vc"),
        ("OPEN", "state"),
        ("DELIVER", "action"),
        ("to the host", "what follows"),
    ):
        assert line.index(word) == HEADING.index(title), word


def test_a_line_tells_states_notices_and_refusals():
    line = story_line(
        "b",
        record(
            event=Event.SENT.value,
            node=1,
            old_state=2,
            new_state=3,
            action=Action.BECOME_OPEN.value,
            noticed=1,
        ),
    )
    assert "OPEN_RECD -> OPEN " in line and line.endswith("tells LINK_UP")
    line = story_line(
        "b",
        record(event=Event.HOST_PAYLOAD.value, node=1, result=2, action=Action.BLOCK_FULL.value),
    )
    assert line.endswith(" blocked")
    line = story_line("b", record(event=Event.VISIT.value, node=77))
    assert " - " in line and "00004d" not in line


def test_a_line_tells_the_ipv4_form():
    ipv4 = preset("tiny").replace(encapsulation="ipv4")
    said = {name for name, _field in trace_layout(ipv4)} - {
        name for name, _field in trace_layout(preset("tiny"))
    }
    assert said == {"frame_ipv4"}
    fields = {"event": Event.RX_CLOSE.value, "frame": 1, "frame_opcode": Opcode.CLOSE_ACK.value}
    assert story_line("a", record(**fields, frame_ipv4=0)).endswith(" epoch=0000")
    assert story_line("a", record(**fields, frame_ipv4=1)).endswith(" epoch=0000 in IPv4")
