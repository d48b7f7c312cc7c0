"""The sender's half of the law of congestion control (K7 to K10, K13), against its arithmetic
written a second time in fractions and whole numbers."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ttpverif.frames.code import gap_of, says, sixteenths
from ttpverif.frames.frame import Opcode
from ttpverif.model.congestion import UNKNOWN, Sender, time_ahead

SLOTS = 64
TIMES = st.integers(0, 0xFFFF)
CODES = st.integers(0, 0xFF)
IDS = st.integers(0, 0xFFFFFFFF)


@st.composite
def senders(draw):
    """A Sender in any state."""
    sender = Sender(SLOTS, draw(TIMES))
    sender.window = draw(st.integers(1, SLOTS))
    sender.next_at = draw(TIMES)
    sender.gap = gap_of(draw(st.integers(0x10, 0xFF)))
    sender.growing, sender.limited = draw(st.tuples(st.booleans(), st.booleans()))
    sender.timed = draw(st.none() | IDS)
    sender.stamp = draw(st.integers(0, (1 << 14) - 1))
    sender.base = draw(st.integers(0, UNKNOWN))
    return sender


def near(later, earlier):
    """The distance of two times as the nearest whole number, 2^15 counting as earlier."""
    return min(
        (later - earlier + (turn << 16) for turn in (-2, -1, 0, 1, 2)),
        key=lambda ahead: (abs(ahead), ahead),
    )


def state(sender, *left_out):
    return {name: value for name, value in vars(sender).items() if name not in left_out}


# ---- codes (K7) --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", range(256))
def test_what_a_code_asks_for(code):
    if code < 16:
        assert sixteenths(code) is None and gap_of(code) is None
        return
    links = (1 + Fraction(code % 16, 16)) * Fraction(2) ** (code // 16 - 1)
    assert sixteenths(code) == 16 * links
    v = min(16 * links, 28 * 1024)
    assert gap_of(code) == (0 if links == 1 else floor(v) + floor(v / 16) + floor(v / 64))
    assert gap_of(code) < 1 << 15, "next_at must not look like the past"


def test_codes_are_in_the_order_of_what_they_say():
    assert [sixteenths(code) for code in range(16, 256)] == sorted(
        {sixteenths(code) for code in range(16, 256)}
    )


@pytest.mark.parametrize(
    "opcode, byte, words",
    [
        (Opcode.PAYLOAD, 1, "more"),
        (Opcode.PAYLOAD, 0xFE, ""),
        (Opcode.ACK, 0x10, "1 link"),
        (Opcode.NACK, 0x18, "1.5 links"),
        (Opcode.NACK, 0x11, "1.0625 links"),
        (Opcode.OPEN_ACK, 0x41, "8.5 links"),
        (Opcode.ACK, 0xFF, "31744 links"),
        (Opcode.ACK, 0x0F, ""),
        (Opcode.CLOSE, 0x10, ""),
    ],
)
def test_byte_48_in_words(opcode, byte, words):
    assert says(opcode, byte) == words


@given(senders(), CODES, TIMES, st.booleans())
def test_a_code_that_is_heard(sender, code, now, sends):
    before = state(sender)
    sender.heard(code, now, sends)
    if code < 0x10:
        assert state(sender) == before
        return
    gap = gap_of(code)
    late = near(before["next_at"], now + gap) > 0 and not sends
    assert state(sender) == {
        **before,
        "gap": gap,
        "next_at": (now + gap) % 65536 if late else before["next_at"],
    }


@pytest.mark.parametrize("code, ahead", [(0x10, 0), (0x62, 0), (0x63, 655), (0xFF, 30912)])
def test_who_opens_behind_many_takes_its_turn(code, ahead):
    sender = Sender(SLOTS, 65000)
    sender.heard(code, 65000, opens=True)
    assert sender.next_at == (65000 + ahead) % 65536 and sender.window == 2


# ---- sending (K8, K9) --------------------------------------------------------------------------


@given(senders(), TIMES, IDS, st.booleans())
def test_a_packet_that_is_sent_moves_next_at(sender, now, packet_id, first):
    before = state(sender)
    sender.sent(packet_id, first, now)
    ahead = near(before["next_at"], now)
    assume(abs(ahead) + before["gap"] < 1 << 15)
    due = max(Fraction(ahead), -floor(Fraction(before["gap"], 2))) + before["gap"]
    assert sender.next_at == (now + due) % 65536
    if first and before["timed"] is None:
        assert (sender.timed, sender.stamp) == (packet_id, now % (1 << 14))
    elif not first and before["timed"] == packet_id:
        assert sender.timed is None
    else:
        assert (sender.timed, sender.stamp) == (before["timed"], before["stamp"])
    left_out = "next_at", "timed", "stamp"
    assert state(sender, *left_out) == {k: v for k, v in before.items() if k not in left_out}


@given(senders(), TIMES, st.integers(0, SLOTS))
def test_the_gate(sender, now, position):
    paced = sender.gap > 0 or sender.window == 1
    open_now = position < sender.window and (not paced or near(sender.next_at, now) <= 0)
    assert sender.may_send(position, now) == open_now
    sender.settle(position, False)
    assert sender.free == (position < sender.window - 1 and sender.gap == 0)


@given(TIMES, st.integers(0x11, 0xFF), st.integers(2, 40))
def test_paced_packets_are_a_gap_apart_on_the_mean(now, code, packets):
    """Each goes up to half a gap late, and the next one makes up for it."""
    sender = Sender(SLOTS, now)
    sender.heard(code, now)
    gap, at, first = sender.gap, now, None
    for number in range(packets):
        at += time_ahead(sender.next_at, at) + (gap // 2 if number % 2 else 0)
        first = at if first is None else first
        sender.sent(number, True, at & 0xFFFF)
    due = at + time_ahead(sender.next_at, at)
    assert due - first == packets * gap


# ---- samples (K10) -----------------------------------------------------------------------------

PAUSES = [  # W, code, whether the event sends, whether the link pauses
    (1, 0x10, False, True),
    (1, 0x62, False, True),  # 36 links: a gap of 621 U
    (1, 0x63, False, False),  # 38 links
    (2, 0x10, False, False),
    (1, 0x10, True, False),
]


@given(senders(), TIMES, st.integers(0, 16383), st.booleans())
def test_a_sample(sender, now, trip, sends):
    assume(sender.timed is not None)
    sender.stamp = (now - trip) % (1 << 14)
    before = state(sender)
    slow = sender.arrived(sender.timed, now, sends)
    u = min(4095, floor(Fraction(trip + 3, 4)))
    base = min(before["base"], u)
    delay = 4 * (u - base)
    window, growing, next_at = before["window"], before["growing"], before["next_at"]
    if delay >= 640:
        if window == 1 and before["gap"] < 640 and not sends:
            next_at = (now + delay // 2) % 65536
        window, growing = max(1, window - max(1, floor(Fraction(window, 4)))), False
    elif before["limited"]:
        window = 2 * window if growing else window + 1 + floor(Fraction(window, 32))
    assert slow == (delay >= 512)
    assert state(sender) == {
        **before,
        "base": base,
        "window": min(SLOTS, window),
        "growing": growing,
        "next_at": next_at,
        "limited": False,
        "timed": None,
    }


@pytest.mark.parametrize("window, code, sends, pauses", PAUSES)
def test_who_pauses(window, code, sends, pauses):
    """A window of 1 cannot shrink: the link waits half as long as its packet was in the queue."""
    sender = Sender(SLOTS, 0)
    sender.heard(code, 0)
    sender.base, sender.window, sender.timed, sender.stamp = 10, window, 5, 0
    sender.arrived(5, 40 + 640, sends)
    assert sender.window == 1 and sender.next_at == (680 + 320 if pauses else 0)
    if pauses:
        assert not sender.may_send(0, 999) and sender.may_send(0, 1000) and not sender.free


@given(senders(), TIMES, IDS)
def test_only_the_timed_packet_is_a_sample(sender, now, packet_id):
    assume(packet_id != sender.timed)
    before = state(sender)
    assert not sender.arrived(packet_id, now) and state(sender) == before


@given(senders(), st.integers(-5, 5))
def test_a_packet_behind_the_timed_one_ends_the_timing(sender, ahead):
    assume(sender.timed is not None)
    timed = sender.timed
    sender.passed((timed + ahead) % (1 << 32))
    assert sender.timed == (None if ahead > 0 else timed)


def test_one_packet_at_a_time_is_timed():
    sender = Sender(SLOTS, 0)
    sender.sent(7, True, 100)
    sender.sent(8, True, 110)
    sender.arrived(8, 130)
    assert (sender.timed, sender.base) == (7, UNKNOWN)
    sender.arrived(7, 140)
    assert (sender.timed, sender.base) == (None, 10)
    sender.sent(9, True, 150)
    sender.held()
    assert sender.timed is None


# ---- the window --------------------------------------------------------------------------------


def round_trip(sender, now, trip):
    """A timed packet goes and is answered, after the window held another one back."""
    sender.sent(1, True, now)
    sender.settle(sender.window, True)
    sender.arrived(1, now + trip & 0xFFFF)
    return sender.window


def test_the_window_doubles_then_grows_by_one_and_is_cut_by_a_quarter():
    sender = Sender(SLOTS, 0)
    assert [round_trip(sender, 0, 100) for _ in range(6)] == [4, 8, 16, 32, 64, 64]
    assert round_trip(sender, 0, 100 + 636) == 64 and sender.growing  # d = 159, in 4 U
    assert round_trip(sender, 0, 100 + 637) == 48 and not sender.growing
    assert [round_trip(sender, 0, 100) for _ in range(3)] == [50, 52, 54]
    for expected in (41, 31, 24, 18, 14, 11, 9, 7, 6, 5, 4, 3, 2, 1, 1):
        assert round_trip(sender, 0, 2000) == expected


def test_a_link_that_the_window_does_not_hold_back_keeps_it():
    sender = Sender(SLOTS, 0)
    for position, waiting in ((2, False), (1, True)):
        sender.sent(1, True, 0)
        sender.settle(position, waiting)
        sender.arrived(1, 50)
        assert sender.window == 2


def test_time_outs():
    sender = Sender(SLOTS, 0)
    sender.window, sender.growing, sender.base, sender.timed = 9, False, 33, 5
    sender.timed_out(0, slow=False)
    assert (sender.window, sender.growing, sender.base, sender.timed) == (4, True, 33, None)
    sender.timed_out(1, slow=False)
    assert (sender.window, sender.base) == (2, UNKNOWN)
    sender.timed_out(2, slow=False)
    assert sender.window == 2
    sender.timed_out(3, slow=True)
    assert sender.window == 1


def test_a_link_that_rests_begins_again():
    sender = Sender(SLOTS, 0)
    sender.heard(0x35, 0)
    sender.sent(1, True, 0)
    sender.window, sender.base = 30, 7
    sender.rested()
    fresh = Sender(SLOTS, 0)
    assert state(sender, "next_at", "stamp") == state(fresh, "next_at", "stamp")


@given(senders(), TIMES)
def test_a_visit_of_the_timer_brings_next_at_out_of_the_past(sender, now):
    before = sender.next_at
    sender.visited(now)
    assert sender.next_at == (now if -(2**15) < near(before, now) < 0 else before)


# ---- liveness ----------------------------------------------------------------------------------


def opens_within(sender, position, now, clocks):
    """Whether the gate is open at some time from now on to `now + clocks`, if nothing happens."""
    wait = max(0, time_ahead(sender.next_at, now)) if sender.gap else 0
    return wait <= clocks and sender.may_send(position, now + wait & 0xFFFF)


@settings(deadline=None)
@given(senders(), TIMES, st.integers(0, SLOTS), st.integers(64, 16000), st.booleans())
def test_a_link_with_something_to_send_may_send_in_the_end(sender, now, position, round_u, hears):
    """The peer answers what it was sent, or the timer finds a time-out: with either, and whatever
    the state, the gate opens within 2^15 U and two rounds of the window's doing so."""
    at, limit = now, now + (1 << 15) + 2 * round_u
    while not opens_within(sender, position, at & 0xFFFF, round_u):
        if position >= sender.window:
            limit = at + (1 << 15) + 2 * round_u
        assert at <= limit
        at += round_u
        if hears and position:
            position -= 1
            sender.heard(0xFF, at & 0xFFFF)
        elif position:
            position = 0
            sender.timed_out(0, hears)
        sender.visited(at & 0xFFFF)
        sender.settle(position, True)
