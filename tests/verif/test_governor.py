"""What each event is to the law of congestion control (K4, K7 to K10, K12, K13), by hand."""

import pytest

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.congestion import UNKNOWN
from ttpverif.model.endpoint import Parameters
from ttpverif.model.governed import Governed
from ttpverif.model.states import State

US, PEER, ID, R, P = 1, 2, 100, 500, 0x77
BOTH = 0x60


class Desk:
    def __init__(self, vc=2, **parameters):
        self.vc = vc
        ids = iter(range(ID - 1, 1 << 20, 1000))
        self.model = Governed(Parameters(US, **parameters), lambda: (i := next(ids), i & 0xFFFF))

    @classmethod
    def opened(cls, code=0, data=0, ext=BOTH, **parameters):
        desk = cls(**parameters)
        desk.model.host_open(PEER, 2)
        desk.rx("OPEN_ACK", R + 1, ID - 1, ext=ext, byte=code)
        desk.send(data)
        return desk

    @property
    def law(self):
        return self.model.governor.senders.get((PEER, self.vc))

    @property
    def ages(self):
        return self.model.governor.receiver.ages

    def at(self, now):
        self.model.now = now
        return self

    def rx(self, opcode, tx_id=0, rx_id=0, ext=0, byte=0, epoch=P, **how):
        payload = b"x" if opcode == "PAYLOAD" else b""
        names = {"extension": ext, "payload": payload, "congestion": byte}
        frame = Frame(PEER, US, Opcode[opcode], self.vc, tx_id, rx_id, epoch, **names)
        return self.model.receive(frame, **{"room": True, **how})

    def send(self, count=1):
        for _ in range(count):
            self.model.host_payload(PEER, self.vc, b"ours", free=True)

    def timer(self, **inputs):
        self.model.links.find(PEER, self.vc).timer_bit = True
        return self.model.timer(PEER, self.vc, **{"slow": False, "coin": False, **inputs})


def answer(desk, **fields):
    """The same link in a peer that opened it."""
    desk.rx("OPEN", R, ext=BOTH, **fields)
    desk.model.open_ack_sent(PEER, desk.vc)
    return desk


# ---- codes (K7) --------------------------------------------------------------------------------


def test_an_open_ack_that_opens_the_link_says_it():
    for code, gap in ((0, 0), (0x10, 0), (0x20, 34)):
        assert (Desk.opened(code).law.gap, Desk.opened(code).law.window) == (gap, 2)
    assert Desk.opened(0, ext=0x20).law is None
    desk = Desk.opened(0x10)
    desk.rx("OPEN_ACK", R + 1, ID - 1, ext=BOTH, byte=0x40)
    assert desk.law.gap == 0, "it opens nothing any more"


@pytest.mark.parametrize(
    "opcode, tx_id, rx_id, how, believed",
    [
        ("ACK", 0, ID, {}, True),
        ("ACK", 0, ID + 9, {}, False),
        ("ACK", 0, ID, {"epoch": P + 1}, False),
        ("ACK", ID + 1, R, {}, True),
        ("ACK", ID + 9, ID, {}, False),
        ("NACK", ID + 1, ID, {}, True),
        ("NACK", ID - 1, ID - 5, {}, False),
        ("NACK_FULL", 0, 0, {}, False),
        ("PAYLOAD", R + 1, 0, {}, False),
        ("CLOSE_NACK", R, ID, {}, False),
    ],
)
def test_whose_code_counts(opcode, tx_id, rx_id, how, believed):
    desk = Desk.opened(data=3)
    desk.rx(opcode, tx_id, rx_id, byte=0x41, **how)
    assert (desk.law.gap > 0) == believed


def test_a_nack_that_hears_and_sends_takes_the_new_gap_alone():
    desk = Desk.opened(0x40, data=3).at(2)
    gap, ahead = desk.law.gap, desk.law.next_at
    assert ahead == 3 * gap
    desk.rx("NACK", ID, ID, byte=0x20, send_now=True)
    assert desk.law.next_at == ahead + desk.law.gap != 2 + desk.law.gap
    desk.rx("NACK", ID, ID, byte=0x20)
    assert desk.law.next_at == 2 + desk.law.gap


# ---- samples (K10) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opcode, tx_id, rx_id, sample",
    [
        ("ACK", 0, ID, True),
        ("ACK", ID, R, True),
        ("ACK", ID + 1, R, False),
        ("NACK", ID - 1, ID, False),
    ],
)
def test_what_is_a_sample(opcode, tx_id, rx_id, sample):
    desk = Desk.opened(data=3).at(400)
    assert desk.law.timed == ID
    desk.rx(opcode, tx_id, rx_id)
    assert (desk.law.base == 100) == sample and (desk.law.timed is None) == sample


def test_a_nack_that_ends_in_front_of_the_timed_packet_is_a_sample():
    desk = Desk.opened(data=1)
    desk.rx("ACK", 0, ID)
    desk.send(1)
    desk.law.timed, desk.law.base = None, UNKNOWN
    desk.at(100).send(1)
    assert desk.law.timed == ID + 2
    desk.at(300).rx("NACK", ID + 1, ID + 1)
    assert (desk.law.timed, desk.law.base) == (None, 50)


def test_a_go_back_n_nack_is_no_sample():
    """Its TxID says nothing."""
    desk = Desk.opened(data=3, ext=0x40).at(400)
    desk.rx("NACK", ID - 1, ID, byte=0x41)
    assert (desk.law.timed, desk.law.base) == (None, UNKNOWN) and desk.law.gap > 0


@pytest.mark.parametrize(
    "event",
    [
        lambda desk: desk.rx("ACK", 0, ID + 1),
        lambda desk: desk.rx("CLOSE", R + 9, ID + 1),
        lambda desk: desk.rx("NACK_FULL"),
        lambda desk: desk.rx("NACK", ID, ID, send_now=True),
        lambda desk: (desk.rx("NACK", ID, ID), desk.model.replay(PEER, 2)),
        lambda desk: desk.timer(),
    ],
)
def test_what_ends_the_timing_without_a_sample(event):
    desk = Desk.opened(data=3).at(400)
    event(desk)
    assert desk.law.timed is None and desk.law.base == UNKNOWN


@pytest.mark.parametrize(
    "event",
    [
        lambda desk: desk.timer(slow=True),
        lambda desk: desk.rx("NACK", ID, ID),
        lambda desk: desk.rx("ACK", ID + 2, ID),
        lambda desk: desk.rx("PAYLOAD", R + 1),
    ],
)
def test_what_does_not(event):
    desk = Desk.opened(data=3).at(400)
    event(desk)
    assert desk.law.timed == ID


def test_limited_is_what_the_window_holds_back():
    desk = Desk.opened(data=2)
    assert not desk.law.limited
    desk.model.host_payload(PEER, 2, b"held back", free=False)
    assert desk.law.limited and not desk.law.free
    assert desk.model.pending() == []
    desk.at(40).rx("ACK", 0, ID)
    assert desk.law.window == 4 and desk.model.pending() == [(PEER, 2)]


# ---- the timer (K8, K13) -----------------------------------------------------------------------


def test_time_outs():
    desk = Desk.opened(data=1)
    desk.at(40).rx("ACK", 0, ID)
    desk.send(2)
    desk.timer()
    assert (desk.law.window, desk.law.growing, desk.law.base) == (2, True, 10)
    desk.timer()  # the packet is held back: no time-out
    assert desk.law.base == 10
    desk.model.visit(PEER, 2)
    desk.timer()
    assert desk.law.base == UNKNOWN


def test_a_link_that_rests_begins_anew_at_the_second_idle_round():
    desk = Desk.opened(0x41, data=1)
    desk.rx("ACK", 0, ID, byte=0x41)
    for idle in range(2):
        assert desk.law.gap > 0, idle
        desk.timer()
    assert (desk.law.gap, desk.law.window) == (0, 2)


def test_an_open_again_begins_anew():
    desk = Desk.opened(0x41, data=3)
    assert desk.law.gap > 0
    desk.rx("OPEN", 900, ext=BOTH, epoch=P + 1)
    assert (desk.law.gap, desk.law.timed, desk.law.position) == (0, None, 0)
    desk.rx("OPEN", 950, ext=0x20, epoch=P + 2)
    assert desk.law is None


# ---- what the receiver counts (K4) -------------------------------------------------------------


def test_an_answerer_counts_the_link_and_an_opener_does_not():
    assert answer(Desk()).ages == {(PEER, 2): 0}
    assert Desk.opened().ages == {}
    desk = Desk()
    desk.model.host_open(PEER, 2)
    desk.rx("OPEN", R, ext=BOTH)  # crossing
    assert desk.model.state(PEER, 2) == State.OPEN_SENT and desk.ages == {}


@pytest.mark.parametrize(
    "tx_id, how, counted",
    [
        (R + 1, {}, False),
        (R + 1, {"byte": 1}, True),
        (R + 1, {"byte": 0xFE}, False),
        (R, {}, False),
        (R, {"byte": 1}, True),
        (R + 2, {}, True),
        (R + 1, {"room": False, "byte": 1}, True),
        (R + 1, {"room": False}, False),
    ],
)
def test_what_a_payload_says(tx_id, how, counted):
    for start in (True, False):
        desk = answer(Desk()) if start else Desk.opened()
        desk.rx("PAYLOAD", tx_id, **how)
        assert ((PEER, 2) in desk.ages) == counted
        assert desk.model.governor.receiver.packets == 1


def test_a_stale_payload_says_nothing():
    desk = Desk.opened()
    desk.rx("PAYLOAD", R + 1, epoch=P + 5, byte=1)
    assert desk.ages == {} and desk.model.governor.receiver.packets == 0


@pytest.mark.parametrize("ext", [0x20, 0])
def test_every_payload_of_a_link_that_is_not_controlled_counts(ext):
    desk = Desk.opened(ext=ext)
    desk.rx("PAYLOAD", R + 1)
    assert desk.ages == {(PEER, 2): 0}
    other = Desk(vc=1)
    other.model.host_open(PEER, 1)
    other.rx("OPEN_ACK", R + 1, ID - 1, ext=BOTH)
    other.rx("PAYLOAD", R + 1)
    assert other.ages == {} and other.law is None


@pytest.mark.parametrize(
    "end",
    [
        lambda desk: desk.rx("CLOSE", R + 2, ID - 1),
        lambda desk: desk.rx("NACK_NOLINK", epoch=desk.model.links.find(PEER, 2).epoch),
        lambda desk: desk.rx("OPEN", 900, epoch=P + 1, ext=0x20),
    ],
)
def test_a_link_that_ends_is_not_counted(end):
    desk = Desk.opened()
    desk.rx("PAYLOAD", R + 1, byte=1)
    assert desk.ages
    end(desk)
    assert desk.ages == {}


def test_the_timer_ages_a_link_and_a_payload_makes_it_young():
    desk = answer(Desk())
    desk.timer()
    desk.timer()
    assert desk.ages == {(PEER, 2): 2}
    desk.rx("PAYLOAD", R + 1, byte=1)
    assert desk.ages == {(PEER, 2): 0}
    for _ in range(3):
        desk.timer()
    assert desk.ages == {}
