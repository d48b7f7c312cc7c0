"""Tesla's captures as scripts, and the model in the place of each of Tesla's two nodes."""

from pathlib import Path

import pytest

from ttpverif.captures.captures import Replay, load_all, script
from ttpverif.captures.differences import DIFFERENCES, expected_differences, found_differences
from ttpverif.captures.on_model import replay_on_model
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.states import State

CAPTURES = load_all(Path(__file__).parent.parent / "data" / "pcap")
NAMES = {name[:2]: name for name in CAPTURES}
DATA = {
    name: [f.payload for f in (Frame.parse(raw)[0] for raw in capture.frames) if f.payload]
    for name, capture in CAPTURES.items()
}
# fmt: off
FINAL = {  # state of (A, B) after the last frame, on VC 0; None: nothing reaches that node
    "01": ("CLOSED", "CLOSED"), "02": ("OPEN", "OPEN"), "03": ("OPEN", "OPEN"),
    "04": ("OPEN", "OPEN"), "06": ("OPEN", "OPEN"), "07": ("OPEN", "OPEN"),
    "08": ("OPEN", "OPEN"), "09": ("OPEN", "OPEN"), "10": ("CLOSED", "CLOSED"),
    "11": ("CLOSED", "CLOSED"), "12": ("OPEN", "OPEN"), "15": ("OPEN", "OPEN"),
    "16": ("CLOSED", "CLOSED"), "18": ("OPEN_SENT", None), "24": ("OPEN", "OPEN"),
    "25": ("CLOSED", None)}
# fmt: on


@pytest.mark.parametrize("role", "AB")
@pytest.mark.parametrize("number", sorted(FINAL))
def test_replay(number, role):
    replay, peer = replay_on_model(CAPTURES[NAMES[number]], role)
    wanted = FINAL[number]["AB".index(role)]
    assert bool(replay.steps) == (wanted is not None)
    assert found_differences([replay]) == expected_differences([replay])
    if wanted is not None:
        other = 0xABCDEF if number == "18" else 3 - replay.node
        assert peer.endpoint.state(other, 0) == State[wanted]
        stored = sum(link.stored for link in peer.endpoint.links)
        assert stored == 0 and peer.endpoint.free_slots == peer.endpoint.parameters.slots


@pytest.mark.parametrize("number", ["03", "04", "08", "09", "24"])
def test_b_delivers_each_payload_once(number):
    _, peer = replay_on_model(CAPTURES[NAMES[number]], "B")
    unique = list(dict.fromkeys(DATA[NAMES[number]]))
    assert [data for _, _, _, data in peer.delivered] == (
        DATA[NAMES["03"]] if number == "03" else unique
    )


def test_every_listed_difference_occurs():
    replays = [replay_on_model(capture, role)[0] for capture in CAPTURES.values() for role in "AB"]
    found = found_differences(replays)
    for entry in DIFFERENCES:
        for role in entry.roles:
            for opcode in entry.opcodes:
                assert any(
                    f[1] == role and f[3] == opcode and f[4] == entry.field for f in found
                ), (entry.field, role, opcode)


def test_all_but_ipv4_are_scripts():
    assert sorted(NAMES) == sorted(FINAL)
    assert not script(CAPTURES[NAMES["18"]], "B")


def test_script_of_lost_and_delayed_frames():
    def steps(number, role):
        return [(s.kind, s.number, s.numbers) for s in script(CAPTURES[NAMES[number]], role)]

    assert steps("11", "A")[-2:] == [("timer", 8, [8]), ("inject", 9, [])]
    assert steps("11", "B")[-2:] == [("inject", 5, [6, 7]), ("inject", 8, [9])]
    assert steps("12", "B")[2:4] == [("restart", 5, []), ("inject", 5, [6])]
    assert steps("15", "A")[:3] == [("open", 1, [1]), ("inject", 2, [4]), ("inject", 3, [])]
    assert steps("16", "B")[3:5] == [("close", 5, [5]), ("inject", 6, [8])]
    assert steps("24", "A")[3] == ("inject", 4, [5])


def test_a_wrong_answer_is_seen():
    replay = Replay(CAPTURES[NAMES["01"]], "B")
    step = replay.steps[0]
    wrong = Frame(2, 1, Opcode.OPEN_ACK, 1, 0, 1, ethertype=0x9AC6)
    replay.check(step, [wrong.pack(), wrong.pack()])
    assert replay.differences == {(2, "OPEN_ACK", "vc"), (1, "OPEN_ACK", "extra")}
    replay.check(replay.steps[1], [])
    assert (4, "ACK", "missing") in replay.differences


def test_injected_answers_follow_our_ids():
    replay = Replay(CAPTURES[NAMES["01"]], "A")
    opened = Frame(1, 2, Opcode.OPEN, 0, 0x1234, ethertype=0x9AC6)
    replay.check(replay.steps[0], [opened.pack()])
    _, _, _, data = replay.stimulus(replay.steps[1])
    assert Frame.parse(data)[0].rx_id == 0x1234
