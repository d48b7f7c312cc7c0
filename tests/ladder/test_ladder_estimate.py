"""Losses, round trips and the estimate of the loss, from a capture."""

import pytest

from tests.ladder.analysis_bench import A, B, ack, conversation, data, marks
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Opcode
from ttpverif.ladder.analysis import analyse
from ttpverif.ladder.capture import Packet
from ttpverif.ladder.decode import decode
from ttpverif.model.conversation import Conversation


def test_tesla_s_module_sends_again_without_being_asked():
    """Any ACK with another ID makes it send again at once (section 10): that is no loss."""
    module = {"epoch": 0}
    found = conversation(
        *data(10, **module),
        ack(10),
        50,
        *data(11, **module),
        50,
        ack(10),
        *data(11, **module),
        50,
        ack(11),
        50,
        *data(12, **module),
        400_000,
        *data(12, **module),
        50,
        ack(12),
    )
    assert marks(found) == {
        3: ["sent again"],
        4: ["again"],
        5: ["replay"],
        7: ["lost"],
        8: ["replay"],
    }
    assert "sent again as frame 5" in found.events[2].marks["sent again"]


def test_an_answer_that_asks_for_what_there_is_no_room_for_proves_no_loss():
    found = conversation(
        *data(9),
        ack(9),
        *data(10, 11, 12),
        ack(10),
        (B, A, "NACK_FULL", {}),
        9,
        *data(11, 12),
        (B, A, "NACK_FULL", {}),
        (B, A, "NACK", {"rx_id": 11, "tx_id": 12}),
        9,
        *data(11, 12),
        9,
        ack(12),
    )
    assert "lost" not in found.counts() and found.estimate.total == 0


def test_the_round_trip_is_that_of_the_node_that_asks():
    """B is near the capture and answers at once, A is 10 us away: A's answers teach nothing of B.

    So the NACK that comes 2 us after the second replay of 11 says nothing of that one.
    """
    found = conversation(
        (B, A, "PAYLOAD", {"tx_id": 50}),
        (A, B, "ACK", {"rx_id": 50}),
        *data(9),
        9,
        ack(9),
        *data(10, 11),
        9,
        (B, A, "NACK", {"rx_id": 10}),
        *data(10, 11),
        9,
        (B, A, "NACK", {"rx_id": 11}),
        *data(11, 12),
        (B, A, "NACK", {"rx_id": 11}),
        *data(11, 12),
        6,
        ack(11),
        9,
        ack(12),
    )
    marked = marks(found)
    assert marked[5] == ["lost"] and marked[9] == ["lost", "replay"]
    assert marked[11] == ["replay"], "it is what ACK 11 was for"


def test_a_nack_that_crosses_a_replay_tells_of_the_attempt_before():
    found = conversation(
        *data(9),
        9,
        ack(9),
        *data(10, 11),
        400,
        *data(10, 11),  # after a time-out
        (B, A, "NACK", {"rx_id": 11}),  # late: 10 had arrived, and 11 had not
        9,
        ack(11),
    )
    assert "lost" in found.events[3].marks and "lost" not in found.events[5].marks


def test_what_crossed_its_ack_is_no_sample_of_the_loss():
    """A repeat that arrives shows it by one more ACK, one that is lost by nothing: both are untold."""
    crossing = [*data(9), 9, ack(9), *data(10), 9, *data(10), ack(10)]
    for more in ([], [9, ack(10)]):
        found = conversation(*crossing, *more)
        assert "lost" not in found.counts()
        assert found.estimate.untold == 1, more


def test_a_payload_that_was_late_and_arrived_twice_was_not_lost():
    found = conversation(
        *data(9),
        ack(9),
        *data(10, 11),
        (B, A, "NACK", {"rx_id": 10, "tx_id": 10}),
        *data(10),
        9,
        ack(11),
        ack(10),
    )
    assert marks(found) == {6: ["replay"], 8: ["again"]}


def test_a_capture_of_the_receivers_side_has_no_losses():
    """ID 11 was lost before it came here; what its receiver asked for is no stray."""
    found = conversation(
        *data(10),
        ack(10),
        *data(12),
        (B, A, "NACK", {"rx_id": 11}),
        9,
        *data(11),
        ack(11),
        *data(12),
        ack(12),
    )
    assert "asked for" not in str([event.marks for event in found.events])
    assert "lost" not in found.counts() and "stray" not in found.counts()
    assert found.estimate.total == 0


def sides(seed, loss, gbn, **faults):
    """(`Analysis` of a capture where node 1 sends, PAYLOADs of it that the network lost)."""
    talk = Conversation(seed, {"loss": loss} | faults, 400, 64, selective=not gbn)
    seen, lost = [], 0
    there, back = talk._to[2], talk._to[1]
    push, pop = there.push, back.pop

    def pushed(raw, now):
        nonlocal lost
        before = there.counters["lost"]
        push(raw, now)
        lost += opcode_of(raw) == Opcode.PAYLOAD and there.counters["lost"] > before
        seen.append((now, raw))

    def popped(now):
        arrived = list(pop(now))
        seen.extend((now, raw) for raw, bad in arrived if not bad)
        return arrived

    there.push, back.pop = pushed, popped
    assert talk.run() == ""
    return analyse(
        [
            decode(Packet(number, 8 * now, raw, len(raw)))
            for number, (now, raw) in enumerate(seen, 1)
        ]
    ), lost


@pytest.mark.parametrize(
    "loss, gbn, runs",
    [(0.01, False, 6), (0.05, False, 3), (0.05, True, 3), (0.2, False, 4), (0.2, True, 2)],
)
def test_the_estimate_of_the_senders_side(loss, gbn, runs):
    """Of several runs together. At 20 % on a go-back-N link five of six PAYLOADs tell nothing."""
    estimated, lost = 0, 0
    for seed in range(1, runs + 1):
        found, truth = sides(seed, loss, gbn)
        estimated, lost = estimated + found.estimate.of("000001"), lost + truth
    assert lost > 20 and abs(estimated - lost) <= 0.1 * lost, (estimated, lost)


@pytest.mark.parametrize("faults", [{}, {"duplicate": 0.05}])
def test_without_a_loss_the_estimate_is_none(faults):
    for gbn in (False, True):
        assert sides(1, 0.0, gbn, **faults)[0].estimate.of("000001") == 0
