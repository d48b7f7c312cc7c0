"""Congestion control in the model's links: decisions K1 to K3, K11 to K13, with exact frames."""

import pytest

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.serial import id_add
from ttpverif.model.endpoint import BLOCKED, TAKEN, Endpoint, Parameters
from ttpverif.model.states import State

US, PEER = 1, 2
E, P = 0x55, 0x77
ID, R = 100, 500  # our first data ID; the peer's last ID before its data
SELECTIVE, CONTROL = 0x20, 0x40
BOTH = SELECTIVE | CONTROL


class Desk:
    """A model, and short names for what happens to its link with PEER."""

    def __init__(self, vc=2, **changes):
        self.vc = vc
        numbers = iter(range(1000))
        self.model = Endpoint(
            Parameters(US, **changes), lambda: (lambda n: (ID - 1 + 1000 * n, E + n))(next(numbers))
        )

    @classmethod
    def opened(cls, data=0, ext=BOTH, vc=2, **changes):
        """OPEN; `data` payloads of ours are sent and unacknowledged."""
        desk = cls(vc, **changes)
        desk.model.host_open(PEER, vc)
        desk.rx("OPEN_ACK", R + 1, ID - 1, ext=ext)
        desk.send(data)
        assert desk.link.state == State.OPEN
        return desk

    @property
    def link(self):
        return self.model.links.find(PEER, self.vc)

    def rx(self, opcode, tx_id=0, rx_id=0, epoch=P, ext=0, congestion=0, **how):
        payload = b"x" if opcode == "PAYLOAD" else b""
        names = {"extension": ext, "payload": payload, "congestion": congestion}
        frame = Frame(PEER, US, Opcode[opcode], self.vc, tx_id, rx_id, epoch, **names)
        outcome = self.model.receive(frame, **{"room": True, **how})
        self.model.check()
        return outcome

    def send(self, count=1, **how):
        """Payloads of the host; what the last did."""
        outcome = None
        for _ in range(count):
            outcome = self.model.host_payload(PEER, self.vc, b"ours", **how)
        return outcome

    def visit(self):
        return sent(self.model.visit(PEER, self.vc))

    def timer(self, **inputs):
        outcome = self.model.timer(PEER, self.vc, **inputs)
        self.model.check()
        return sent(outcome)


def sent(outcome):
    """(opcode, TxID, RxID, byte 48)."""
    frame = outcome.frame
    return frame and (frame.opcode.name, frame.tx_id, frame.rx_id, frame.congestion)


# ---- K1: agreement -----------------------------------------------------------------------------


@pytest.mark.parametrize("vc, told, ext", [(2, True, 0x60), (1, True, 0x20), (2, False, 0x20)])
def test_an_open_offers_control_on_vc_2_only_and_if_told_to(vc, told, ext):
    desk = Desk(vc, congestion=told)
    assert desk.model.host_open(PEER, vc).frame.extension == ext


@pytest.mark.parametrize(
    "heard, told, agreed",
    [
        (0x60, 1, 0x60),
        (0x40, 1, 0x40),
        (0x20, 1, 0x20),
        (0x60, 0, 0x20),
        (0xE0, 1, 0),
        (0x41, 1, 0),
    ],
)
def test_the_answerer_agrees_to_what_both_know(heard, told, agreed):
    desk = Desk(congestion=bool(told))
    answer = desk.rx("OPEN", R, ext=heard).frame
    assert (answer.opcode, answer.extension) == (Opcode.OPEN_ACK, agreed)
    assert desk.link.controlled == bool(agreed & CONTROL)
    assert desk.link.selective == bool(agreed & SELECTIVE)
    repeated = desk.rx("OPEN", R, ext=heard).frame
    assert repeated.extension == agreed


def test_no_control_on_another_vc_whatever_the_peer_says():
    desk = Desk(vc=1)
    assert desk.rx("OPEN", R, ext=BOTH).frame.extension == SELECTIVE
    assert not desk.link.controlled


def test_a_peer_of_epoch_0_is_never_controlled():
    desk = Desk()
    assert desk.rx("OPEN", R, epoch=0, ext=BOTH).frame.extension == 0
    assert not desk.link.controlled


@pytest.mark.parametrize(
    "ext, controlled", [(0x60, True), (0x40, True), (0x20, False), (0x50, False)]
)
def test_the_opener_needs_the_bit_in_the_open_ack(ext, controlled):
    assert Desk.opened(ext=ext).link.controlled == controlled


def test_crossing_opens_and_the_open_that_is_repeated():
    desk = Desk()
    desk.model.host_open(PEER, 2)
    assert desk.rx("OPEN", R, ext=SELECTIVE).frame.extension == SELECTIVE
    desk.timer()
    assert desk.model.timer(PEER, 2).frame.extension == SELECTIVE  # the OPEN again: what was agreed
    desk.rx("OPEN_ACK", R + 1, ID - 1, ext=BOTH)
    assert desk.link.selective and not desk.link.controlled


def test_a_new_incarnation_negotiates_anew():
    desk = Desk.opened(ext=SELECTIVE)
    assert desk.rx("OPEN", 900, epoch=P + 1, ext=BOTH).frame.extension == BOTH
    assert desk.link.controlled


# ---- K2, K3: byte 48 ---------------------------------------------------------------------------


def test_answers_carry_the_code_and_nothing_else_does():
    desk = Desk()
    desk.model.code = 0x25
    assert sent(desk.rx("OPEN", R, ext=BOTH)) == ("OPEN_ACK", ID, R, 0x25)
    desk.model.open_ack_sent(PEER, 2)
    codes = iter((0x31, 0x32))
    desk.model.code = lambda: next(codes)
    assert sent(desk.rx("PAYLOAD", R + 1)) == ("ACK", 0, R + 1, 0x31)
    assert sent(desk.rx("PAYLOAD", R + 3)) == ("NACK", R + 2, R + 2, 0x32)
    full = desk.rx("PAYLOAD", R + 2, room=False)
    assert sent(full) == ("NACK_FULL", 0, 0, 0)
    assert sent(desk.model.host_close(PEER, 2))[3] == 0


def test_byte_48_is_0_where_nothing_is_agreed():
    desk = Desk.opened(ext=SELECTIVE)
    assert sent(desk.rx("PAYLOAD", R + 1)) == ("ACK", 0, R + 1, 0)
    assert sent(desk.rx("PAYLOAD", R + 3)) == ("NACK", R + 2, R + 2, 0)
    desk.send(2, send_now=False)
    assert desk.visit() == ("PAYLOAD", ID, 0, 0)


def test_more_says_that_something_is_behind():
    desk = Desk.opened()
    desk.send(2, send_now=False)
    assert desk.visit() == ("PAYLOAD", ID, 0, 1)
    assert desk.visit() == ("PAYLOAD", ID + 1, 0, 0)
    assert sent(desk.send()) == ("PAYLOAD", ID + 2, 0, 0)


def test_more_where_the_link_holds_three_quarters():
    desk = Desk.opened(data=1, link_slots=2)
    assert sent(desk.send())[3] == 0
    assert sent(Desk.opened(data=2, slots=4).send())[3] == 1  # three quarters of 4


def test_more_in_all_that_is_sent_again():
    desk = Desk.opened(data=1)
    desk.timer()
    desk.timer()
    assert desk.visit() == ("PAYLOAD", ID, 0, 1)
    again = desk.rx("NACK", ID, ID, send_now=True)
    assert sent(again) == ("PAYLOAD", ID, 0, 1)
    desk.rx("NACK", ID, ID)
    assert sent(desk.model.replay(PEER, 2)) == ("PAYLOAD", ID, 0, 1)


# ---- K9, K11 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ext, leaves", [(BOTH, False), (SELECTIVE, True)])
def test_a_link_that_is_not_free_sends_no_host_payload_at_once(ext, leaves):
    desk = Desk.opened(ext=ext)
    outcome = desk.send(free=False)
    assert outcome.result == TAKEN and (outcome.frame is not None) == leaves
    assert Desk.opened().send(free=True).frame is not None


@pytest.mark.parametrize(
    "ext, limit, most", [(BOTH, 0, 6), (SELECTIVE, 0, 8), (BOTH, 3, 3), (BOTH, 7, 6)]
)
def test_a_controlled_link_holds_three_quarters_of_the_slots(ext, limit, most):
    desk = Desk.opened(data=most, ext=ext, slots=8, link_slots=limit)
    assert desk.link.stored == most
    assert desk.send().result == BLOCKED


@pytest.mark.parametrize("told, most", [(True, 6), (False, 8)])
def test_a_link_whose_open_offers_control_is_limited_too(told, most):
    desk = Desk(slots=8, congestion=told)
    assert desk.send(most).result == TAKEN
    assert desk.link.state == State.OPEN_SENT
    assert desk.send().result == BLOCKED


# ---- K12: echo ---------------------------------------------------------------------------------


def test_a_packet_kept_without_a_new_gap_is_echoed():
    desk = Desk.opened()
    assert sent(desk.rx("PAYLOAD", R + 4)) == ("NACK", R + 3, R + 1, 0x10)
    assert sent(desk.rx("PAYLOAD", R + 5)) == ("ACK", R + 5, R, 0x10)  # t = s + 1
    assert sent(desk.rx("PAYLOAD", R + 2)) == ("ACK", R + 2, R, 0x10)  # t < s
    assert desk.rx("PAYLOAD", R + 2).frame is None  # kept already
    assert Desk.opened(ext=SELECTIVE).rx("PAYLOAD", R + 3).frame.opcode == Opcode.NACK


def test_no_echo_where_control_is_not_agreed():
    desk = Desk.opened(ext=SELECTIVE)
    desk.rx("PAYLOAD", R + 3)
    assert desk.rx("PAYLOAD", R + 4).frame is None


@pytest.mark.parametrize(
    "tx_id, drop", [(ID, None), (ID + 2, None), (ID + 3, "bad_ack"), (ID - 1, "bad_ack")]
)
def test_an_echo_retires_nothing(tx_id, drop):
    desk = Desk.opened(data=3)
    outcome = desk.rx("ACK", tx_id, ID + 1)
    assert (outcome.drop, desk.link.oldest) == (drop, ID)
    assert desk.rx("ACK", 0, ID + 1).drop is None and desk.link.oldest == ID + 2


def test_an_ack_with_a_tx_id_retires_where_control_is_not_agreed():
    desk = Desk.opened(data=3, ext=SELECTIVE)
    desk.rx("ACK", ID, ID + 1)
    assert desk.link.oldest == ID + 2


def test_a_stale_echo_is_stale():
    assert Desk.opened(data=3).rx("ACK", ID, R, epoch=P + 5).drop == "stale"


# ---- K13: time-outs ----------------------------------------------------------------------------


def position(desk):
    return desk.link.position - desk.link.oldest


@pytest.mark.parametrize("state", ["OPEN", "CLOSE_SENT", "CLOSE_RECD"])
def test_a_link_whose_oldest_is_held_back_has_no_time_out(state):
    desk = Desk.opened(data=2, max_retry=1)
    if state == "CLOSE_SENT":
        desk.model.host_close(PEER, 2)
    elif state == "CLOSE_RECD":
        desk.rx("CLOSE", R + 1, ID - 1)
    desk.timer()
    desk.timer()
    assert (desk.link.count, position(desk), desk.link.state.name) == (1, 0, state)
    for _ in range(5):
        assert desk.timer() is None and desk.link.timer_bit
    assert desk.link.count == 1
    desk.visit()
    desk.model.timer(PEER, 2)
    assert desk.link is None  # the retries of a packet that was sent do end


def test_a_paced_visit_nacks_an_open_gap():
    desk = Desk.opened(data=2)
    desk.link.position = ID
    desk.rx("PAYLOAD", R + 2, keep=False)
    desk.timer()
    assert desk.timer() == ("NACK", R + 2, R + 1, 0x10)
    assert desk.timer()[0] == "NACK" and desk.link.count == 0
    assert Desk.opened(data=1, ext=SELECTIVE).link.controlled is False


def test_an_uncontrolled_link_is_not_paced():
    desk = Desk.opened(data=2, ext=SELECTIVE)
    for _ in range(4):
        desk.timer()
    assert desk.link.count == 3


def time_outs(desk, **inputs):
    """(time-outs counted, whether the last replayed) after one more time-out with all sent."""
    desk.link.timer_bit = True
    while desk.link.position != desk.link.fresh:
        desk.visit()
    desk.timer(**inputs)
    return desk.link.count, position(desk) == 0


def test_the_first_two_time_outs_wait_while_the_engine_is_slow():
    desk = Desk.opened(data=2)
    assert [time_outs(desk, slow=True) for _ in range(4)] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    assert time_outs(Desk.opened(data=2)) == (1, True)
    assert time_outs(Desk.opened(data=2, ext=SELECTIVE), slow=True) == (1, True)


def test_from_the_fourth_time_out_on_the_coin_decides():
    desk = Desk.opened(data=2)
    replays = [time_outs(desk, coin=True)[1] for _ in range(5)]
    assert replays == [True, True, True, False, False]
    assert time_outs(desk, coin=False) == (6, True)
    desk = Desk.opened(data=2, ext=SELECTIVE)
    assert all(time_outs(desk, coin=True)[1] for _ in range(5))


def test_a_patient_time_out_counts_and_nacks_a_gap():
    desk = Desk.opened(data=1, max_retry=1)
    desk.rx("PAYLOAD", R + 2, keep=False)
    desk.link.timer_bit = True
    assert desk.timer(slow=True) == ("NACK", R + 2, R + 1, 0x10)
    assert (desk.link.count, position(desk)) == (1, 1)
    desk.timer(slow=True)
    assert desk.link is None  # RETRIES_UP comes before patience


def test_ids_wrap():
    desk = Desk.opened(data=2)
    desk.link.received = 0xFFFFFFFE
    desk.rx("PAYLOAD", 1)
    assert sent(desk.rx("PAYLOAD", 2)) == ("ACK", 2, 0xFFFFFFFE, 0x10)
    assert sent(desk.rx("PAYLOAD", id_add(0xFFFFFFFF, 1))) == ("ACK", 0, 0xFFFFFFFE, 0x10)
