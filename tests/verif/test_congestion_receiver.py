"""The receiver's half of the law of congestion control (K4 to K6), against its arithmetic written
a second time: there the load is kept as a whole, not as what it is more than the links."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttpverif.frames.code import sixteenths
from ttpverif.model.congestion import Receiver

LINKS = st.integers(0, 9)
CLOCKS = 4096  # of 512 U at 64 bits
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("payload"), LINKS, st.booleans(), st.booleans()),
        st.tuples(st.just("opened"), LINKS),
        st.tuples(st.just("ended"), LINKS),
        st.tuples(st.just("visited"), LINKS, st.booleans()),
        st.tuples(st.just("look"), st.just(CLOCKS), st.integers(0, CLOCKS)),
        st.tuples(st.just("look"), st.just(CLOCKS), st.sampled_from((0, 15, 16, 63, 64, 65, 256))),
        st.tuples(st.just("look"), st.just(CLOCKS), st.sampled_from((257, 1024, 1025, CLOCKS))),
        st.tuples(st.just("busy"), st.sampled_from((0, 15, 16, 64, 65, 257, 1025, CLOCKS))),
        st.tuples(st.just("busy"), st.sampled_from((0, CLOCKS))),
    ),
    max_size=120,
)


class Again:
    """The second writing: A and Ae."""

    def __init__(self):
        self.age, self.load = {}, 64
        self.clocks = self.idle = self.packets = 0

    def count(self, link):
        if link not in self.age:
            self.load = 64 if not self.age else self.load + 64
        self.age[link] = 0

    def uncount(self, link):
        if link in self.age:
            del self.age[link]
            links = len(self.age)
            self.load = max(64, self.load - 64)
            self.load = 64 if links <= 1 else min(self.load, 80 * links)

    def payload(self, link, counts, new_gap):
        self.packets += 1
        (self.count if counts else self.uncount)(link)
        missing = 64 * len(self.age) - self.load
        if new_gap and missing > 0:
            self.load += (missing + 3) >> 2

    opened, ended = count, uncount

    def visited(self, link, controlled):
        if link in self.age:
            self.age[link] += 1
            if self.age[link] > 2 + (self.load >> 11 if controlled else 0):
                self.uncount(link)

    def look(self, clocks, idle):
        self.clocks, self.idle = self.clocks + clocks, self.idle + idle
        links = len(self.age)
        if self.packets < 2 * links:
            return
        part = Fraction(self.idle, self.clocks)
        missing = 64 * links - self.load
        if part < Fraction(1, 256):
            self.load += max(1, self.load >> 7, missing >> 4 if missing > 0 else 0)
        elif part > Fraction(1, 64):
            self.load -= int(self.load * Fraction(1, 64))
        self.load = 64 if links <= 1 else max(64, min(self.load, 80 * links))
        self.clocks = self.idle = self.packets = 0


def played(steps):
    """`busy` is an interval in which every counted link sends so much that the load is looked at."""
    links = set()
    for name, *values in steps:
        if name == "payload":
            (links.add if values[1] else links.discard)(values[0])
        elif name == "busy":
            for link in links:
                yield from [("payload", link, True, False)] * 2
            name, values = "look", [CLOCKS, *values]
        yield name, *values


@given(st.integers(0, 10), STEPS)
def test_two_writings_agree(start, steps):
    receiver, again = Receiver(), Again()
    crowd = [("payload", link, True, False) for link in range(start)]
    for name, *values in played([*crowd, *steps]):
        getattr(receiver, name)(*values)
        getattr(again, name)(*values)
        assert receiver.ages == again.age and receiver.links == len(again.age)
        if receiver.links:
            assert receiver.load == again.load
        assert (receiver.packets, receiver.idle) == (again.packets, again.idle)


def crowd(links):
    receiver = Receiver()
    for link in range(links):
        receiver.payload(link, True)
    return receiver


def test_what_counts():
    receiver = crowd(3)
    receiver.payload(1, False)
    assert (receiver.links, receiver.load) == (2, 128)
    receiver.ended(0)
    receiver.ended(0)
    assert (receiver.links, receiver.load) == (1, 64)
    receiver.opened(7)
    assert receiver.ages == {2: 0, 7: 0}


@pytest.mark.parametrize(
    "links, controlled, visits", [(2, True, 3), (2, False, 3), (320, True, 13), (320, False, 3)]
)
def test_a_link_that_says_nothing_is_counted_for_a_while(links, controlled, visits):
    receiver = crowd(links)
    for number in range(1, visits + 1):
        assert 0 in receiver.ages
        receiver.visited(0, controlled)
    assert 0 not in receiver.ages and receiver.links == links - 1


def test_the_age_has_an_end():
    receiver = crowd(2000)
    assert 2 + receiver.load // 2048 > 31
    for _ in range(32):
        assert 0 in receiver.ages
        receiver.visited(0, True)
    assert 0 not in receiver.ages


def busy(receiver, idle, intervals=1):
    for _ in range(intervals):
        receiver.packets += 2 * receiver.links
        receiver.look(CLOCKS, idle)
    return receiver.load


def test_the_load_follows_the_line():
    receiver = crowd(8)
    assert busy(receiver, 0) == 512 + 4
    assert busy(receiver, 0, 100) == 80 * 8, "a quarter more at most"
    assert busy(receiver, 32) == 640, "between 1/256 and 1/64 nothing changes"
    assert busy(receiver, CLOCKS) == 630
    assert busy(receiver, CLOCKS, 400) == 64, "one link at least"
    receiver.payload(0, True, new_gap=True)
    assert receiver.load == 64 + 112
    receiver.excess = -1
    receiver.payload(0, True, new_gap=True)
    assert receiver.excess == 0, "the last quarter is rounded up"
    receiver.excess = -320
    assert busy(receiver, 0) == 512 - 320 + 20, "a sixteenth of what is missing"


def test_a_look_with_too_few_packets_goes_on_counting():
    receiver = crowd(8)
    receiver.packets = 15
    receiver.look(CLOCKS, CLOCKS)
    assert (receiver.load, receiver.elapsed, receiver.idle) == (512, CLOCKS, CLOCKS)
    receiver.packets = 16
    receiver.look(CLOCKS, 0)  # half of the time is idle
    assert (receiver.load, receiver.elapsed) == (512 - 8, 0)


# ---- the code (K6) -----------------------------------------------------------------------------


def v64(code):
    return 4 * sixteenths(code)


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("links, excess", [(0, 0), (1, 0), (2, 0), (2, -64), (9, 7), (300, -3456)])
def test_the_mean_of_all_codes_is_exact(links, excess, few):
    receiver = crowd(links)
    receiver.excess = excess
    load = receiver.load if links > 1 else 64
    codes = [v64(receiver.code(random, few)) for random in range(1 << 12)]
    assert Fraction(sum(codes), len(codes)) == load * (4 if few else 1)
    step = load * (4 if few else 1) / 16
    assert all(abs(code - load * (4 if few else 1)) <= step for code in codes)


def test_the_code_of_one_link_is_0x10():
    assert {crowd(n).code(random) for n in (0, 1) for random in range(64)} == {0x10}
    assert crowd(1).code(0, few_slots=True) == 0x30


@pytest.mark.parametrize("load", [31 << 15, (32 << 15) - 1, 32 << 15, 1 << 22])
def test_the_greatest_code(load):
    receiver = crowd(2)
    receiver.excess = load - 128
    expected = 0xEF
    assert receiver.code(0) == receiver.code((1 << 30) - 1) == expected


@given(st.integers(2, 3000), st.integers(0, 1 << 20))
def test_any_code_is_within_a_step(links, random):
    receiver = crowd(2)
    receiver.excess = 64 * links - 128
    assert abs(v64(receiver.code(random)) - 64 * links) <= 64 * links / 16
