"""Two models joined by a bad network: what no schedule of faults and hosts may break."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.long import crossed
from ttpverif.check.scoreboard import DeliveryChecker
from ttpverif.frames.fields import opcode_of
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel
from ttpverif.model.endpoint import TAKEN, Endpoint, Parameters
from ttpverif.model.link import WeylIds
from ttpverif.model.peer import Peer
from ttpverif.model.states import State


class Pair:
    """Nodes 1 and 2, a clock, and a checker of all that the hosts put in and get.

    `room`, `keep`, `send_now`: how often there is a receive slot, a place for a packet before its
    turn, and room in the PAYLOAD queue for the answer to a NACK. `selective`: of each node.
    """

    def __init__(
        self,
        seed,
        faults,
        ids=(None, None),
        room=1.0,
        keep=1.0,
        send_now=0.5,
        selective=(True, True),
        **parameters,
    ):
        self.random = random.Random(seed)
        self.room, self.keep, self.send_now = room, keep, send_now
        self.peers = {
            node: Peer(Endpoint(Parameters(node, selective=told, **parameters), source))
            for node, source, told in zip((1, 2), ids, selective)
        }
        self.to = {node: Channel(2 * seed + node, **faults) for node in (1, 2)}
        self.checker = DeliveryChecker()
        self.now, self.packets = 0, 0
        self.told = Counter()

    def settle(self, node):
        """Move what one event left behind to the wire and to the host."""
        peer = self.peers[node]
        for frame in peer.take_sent():
            self.to[3 - node].push(frame, self.now)
        while peer.delivered:
            src, vc, _, data = peer.delivered.popleft()
            self.checker.got(src, node, vc, data)
        while peer.notices:
            name, other, vc = peer.notices.popleft()
            self.told[name] += 1
            if name not in ("LINK_UP", "IDS_REUSED", "PAYLOAD_REFUSED"):
                self.checker.link_lost(node, other, vc)

    def host(self, node, vc):
        self.packets += 1
        data = b"%d" % self.packets + bytes(self.random.randrange(60))
        sent = self.peers[node].payload(3 - node, vc, data, self.random.random() < 0.5)
        if sent.result == TAKEN:
            self.checker.put(node, 3 - node, vc, data)
        self.settle(node)
        return sent.result

    def clock(self):
        self.now += 1
        for node, peer in self.peers.items():
            for data, bad in self.to[node].pop(self.now):
                peer.receive(
                    data,
                    bad,
                    self.random.random() < self.room,
                    None if self.random.random() < self.keep else False,
                    self.random.random() < self.send_now,
                )
                self.settle(node)
            peer.visit_once()
            self.settle(node)
            if self.now % 40 == 20 * (node - 1):
                peer.timer_round()
                self.settle(node)

    def quiet(self):
        return not (
            any(map(len, self.to.values()))
            or any(
                link.stored or link.looking or link.state not in (State.OPEN, State.CLOSED)
                for peer in self.peers.values()
                for link in peer.endpoint.links
            )
        )

    def run_until_quiet(self, limit=60_000):
        for _ in range(limit):
            self.clock()
            if self.quiet():
                return
        raise AssertionError(
            f"not quiet after {limit} clocks: "
            + "; ".join(str(link) for peer in self.peers.values() for link in peer.endpoint.links)
        )


FAULTS = st.fixed_dictionaries(
    {
        "loss": st.sampled_from((0.0, 0.05, 0.3)),
        "duplicate": st.sampled_from((0.0, 0.2)),
        "reorder": st.sampled_from((0.0, 0.2)),
        "corrupt": st.sampled_from((0.0, 0.1)),
        "delay_cycles": st.sampled_from((0, 3, (1, 20))),
    }
)
TOLD = st.sampled_from(((True, True), (True, True), (True, False), (False, True), (False, False)))
REORDER = st.sampled_from((0, 1, 4, 16))


def open_links(pair, vcs):
    """Both ends OPEN before data flows both ways; see `test_data_can_overtake_the_open_ack`."""
    for vc in vcs:
        pair.peers[1].open(2, vc)
        pair.settle(1)
    pair.run_until_quiet()


def purge_all(peer):
    """What ended links had kept is freed, to the last packet."""
    while peer.background_once():
        pass
    assert peer.endpoint.kept == 0


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32),
    FAULTS,
    st.sampled_from((1.0, 0.6)),
    st.sampled_from(((64, 0), (4, 0), (64, 3))),
    TOLD,
    REORDER,
    st.sampled_from((1.0, 0.7)),
)
def test_everything_arrives_and_closes(seed, faults, room, slots, told, reorder_slots, keep):
    pair = Pair(
        seed,
        faults,
        room=room,
        keep=keep,
        slots=slots[0],
        link_slots=slots[1],
        selective=told,
        reorder_slots=reorder_slots,
    )
    open_links(pair, (0, 2))
    for _ in range(120):
        pair.host(pair.random.choice((1, 2)), pair.random.choice((0, 2)))
        for _ in range(pair.random.randrange(4)):
            pair.clock()
    pair.run_until_quiet()
    pair.checker.finish()
    assert set(pair.told) == {"LINK_UP"} and pair.checker.delivered > 5
    closers = pair.random.sample((1, 2), pair.random.choice((1, 2)))
    for node in closers:
        for vc in (0, 2):
            pair.peers[node].close(3 - node, vc)
            pair.settle(node)
    pair.run_until_quiet()
    for peer in pair.peers.values():
        assert not list(peer.endpoint.links)
        assert peer.endpoint.free_slots == slots[0]
        purge_all(peer)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32), FAULTS, st.sampled_from((1, 3)), st.sampled_from((2, 4)), TOLD, REORDER
)
def test_any_host_behaviour(seed, faults, vc_tables, sets, told, reorder_slots):
    """Opens, closes, crossing or not, data at any time: order and once-only always hold, and what
    is not delivered was announced. Afterwards everything closes and all slots are free."""
    pair = Pair(
        seed,
        faults,
        room=0.9,
        slots=16,
        sets=sets,
        vc_tables=vc_tables,
        max_retry=20,
        idle_limit=3,
        selective=told,
        reorder_slots=reorder_slots,
    )
    for _ in range(150):
        node, vc = pair.random.choice((1, 2)), pair.random.randrange(3)
        what = pair.random.random()
        if what < 0.75:
            pair.host(node, vc)
        elif what < 0.9:
            pair.peers[node].close(3 - node, vc)
        else:
            pair.peers[node].open(3 - node, vc)
        pair.settle(node)
        for _ in range(pair.random.randrange(12)):
            pair.clock()
    for _ in range(40_000):
        pair.clock()
        if not any(list(peer.endpoint.links) for peer in pair.peers.values()):
            break
    for peer in pair.peers.values():
        assert not list(peer.endpoint.links) and peer.endpoint.free_slots == 16
        purge_all(peer)
    pair.checker.finish()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), FAULTS, st.integers(0, 60).filter(lambda n: n != 10), TOLD)
def test_ids_wrap(seed, faults, before, told):
    """Data IDs pass 2^32 within the run, in both directions.

    Not with a first data ID of 0 (`before` 10), which an OPEN_ACK cannot say: the peer would take
    it for Tesla's. An engine's open IDs are below 2^31, so its own is never 0.
    """
    ids = [lambda: (-before & 0xFFFFFFFF, 7), lambda: (-before + 9 & 0xFFFFFFFF, 0xFFFF)]
    pair = Pair(seed, faults, ids=ids, slots=8, selective=told)
    open_links(pair, (1,))
    for _ in range(70):
        for node in (1, 2):
            while pair.host(node, 1) != TAKEN:
                pair.clock()
    pair.run_until_quiet()
    pair.checker.finish()
    assert pair.checker.delivered == 140
    ends = [link.end for peer in pair.peers.values() for link in peer.endpoint.links]
    assert len(ends) == 2 and all(end < 1000 for end in ends)


def cross(first, second):
    """Both nodes do their part before either hears of the other's."""
    pair = Pair(0, dict(delay_cycles=5))
    for part in (first, second):
        for node in (1, 2):
            part(pair.peers[node], 3 - node)
            pair.settle(node)
        pair.run_until_quiet()
    return pair


def test_crossing_opens_and_closes():
    pair = cross(lambda peer, other: peer.open(other, 0), lambda peer, other: None)
    links = [link for peer in pair.peers.values() for link in peer.endpoint.links]
    assert [link.state for link in links] == [State.OPEN, State.OPEN]
    assert links[0].received == links[1].open_id and links[1].received == links[0].open_id
    assert links[0].peer_epoch == links[1].epoch and links[1].peer_epoch == links[0].epoch
    pair = cross(lambda peer, other: peer.open(other, 0), lambda peer, other: peer.close(other, 0))
    assert all(not list(peer.endpoint.links) for peer in pair.peers.values())
    assert pair.told == {"LINK_UP": 2, "LINK_DOWN": 2}


def test_data_can_overtake_the_open_ack():
    """L15: the answerer's OPEN_ACK is lost and its host sends at once; nothing goes down."""
    pair = Pair(0, dict(delay_cycles=5))
    pair.to[1].script(lambda data: Frame.parse(data)[0].opcode.name == "OPEN_ACK")
    pair.peers[1].open(2, 0)
    pair.settle(1)
    for _ in range(6):
        pair.clock()
    pair.host(2, 0)
    pair.run_until_quiet()
    assert pair.told["LINK_DOWN"] == 0 and pair.checker.delivered == 1


def test_weyl_ids_are_fresh():
    source = WeylIds(123)
    pairs = [source() for _ in range(70_000)]
    assert len({open_id for open_id, _ in pairs}) == len(pairs)
    assert all(open_id < 2**31 for open_id, _ in pairs)
    assert {epoch for _, epoch in pairs} == set(range(1, 0x10000))
    assert all(a[1] != b[1] for a, b in zip(pairs, pairs[1:]))


@pytest.mark.parametrize("loss", [0.5, 0.8])
def test_heavy_loss(loss):
    pair = Pair(11, dict(loss=loss, delay_cycles=2), slots=8)
    open_links(pair, (0,))
    for _ in range(20):
        while pair.host(1, 0) != TAKEN:
            pair.clock()
    pair.run_until_quiet()
    pair.checker.finish()
    assert pair.checker.delivered == 20


def is_payload(data):
    return opcode_of(data) == Opcode.PAYLOAD


def stream(pair, count, vcs=(0,), nodes=(1,)):
    """`count` packets on each of the links, as fast as slots allow, until all have arrived."""
    open_links(pair, vcs)
    for _ in range(count):
        for node in nodes:
            for vc in vcs:
                while pair.host(node, vc) != TAKEN:
                    pair.clock()
    pair.run_until_quiet()
    pair.checker.finish()
    assert pair.checker.delivered == count * len(vcs) * len(nodes)


@pytest.mark.parametrize(
    "loss, reorder_slots, told_one, told_other",
    crossed(
        [0.01, 0.05, 0.2], [4, 64], [(True, True), (True, False), (False, True), (False, False)]
    ),
)
def test_stream_over_a_bad_network(loss, reorder_slots, told_one, told_other):
    told = told_one, told_other
    for seed in range(2):
        pair = Pair(
            seed,
            dict(loss=loss, duplicate=0.05, reorder=0.1, delay_cycles=(5, 20)),
            slots=64,
            room=0.97,
            keep=0.95,
            selective=told,
            reorder_slots=reorder_slots,
        )
        stream(pair, 120, vcs=(0, 2), nodes=(1, 2))
        selective = [link.selective for peer in pair.peers.values() for link in peer.endpoint.links]
        assert selective == [told == (True, True)] * 4


def lossy(told, lost, count=60, timers=(), nacks_lost=()):
    """A stream from 1 to 2 on which the PAYLOADs `lost` (1 is the first, twice: its first replay,
    too) and the NACKs `nacks_lost` get lost. Only nodes in `timers` have a link timer.

    How many PAYLOADs were sent, and the NACKs in order: (first, last) as in `lost`.
    """
    pair = Pair(5, dict(delay_cycles=10), slots=64, reorder_slots=64, selective=told, send_now=1)
    open_links(pair, (0,))
    for node, peer in pair.peers.items():
        if node not in timers:
            peer.timer_round = lambda: None
    zero = next(iter(pair.peers[1].endpoint.links)).oldest - 1
    for number, times in Counter(lost).items():
        for nth in range(1, times + 1):
            pair.to[2].script(
                lambda data, number=number: (
                    is_payload(data) and Frame.parse(data)[0].tx_id == zero + number
                ),
                nth,
            )
    for nth in nacks_lost:
        pair.to[1].script(lambda data: opcode_of(data) == Opcode.NACK, nth)
    nacks, push = [], pair.to[1].push

    def watch(data, now):
        frame = Frame.parse(data)[0]
        if frame.opcode == Opcode.NACK:
            nacks.append((frame.rx_id - zero, frame.tx_id and frame.tx_id - zero))
        push(data, now)

    pair.to[1].push = watch
    before = pair.to[2].counters["pushed"]
    stream(pair, count)
    return pair.to[2].counters["pushed"] - before, nacks


def test_what_is_lost_is_sent_once_more_and_nothing_else():
    """The stream never stops: no timer, and each gap costs exactly what was lost in it."""
    lost = (3, 10, 11, 12, 20, 22)
    sent, nacks = lossy((True, True), lost)
    assert sent == 60 + len(lost)
    assert nacks == [(3, 3), (10, 12), (20, 20), (22, 22)]
    sent, nacks = lossy((True, False), lost[:1], timers=(1, 2))
    assert sent > 60 + 5 and set(nacks) == {(3, 0)}


def test_a_lost_nack_and_a_lost_replay_are_asked_for_again():
    """By the receiver's timer alone; the sender has none that could replay everything."""
    sent, nacks = lossy((True, True), (3, 9, 9), timers=(2,), nacks_lost=(1,))
    assert nacks[:2] == [(3, 3), (9, 9)] and set(nacks) == {(3, 3), (9, 9)}
    assert {number: nacks.count((number, number)) for number in (3, 9)} == {3: 2, 9: 2}
    assert sent == 60 + 3


@pytest.mark.parametrize("told", [(True, True), (False, False)])
def test_a_held_link_goes_on(told):
    """NACK_FULL again and again, together with loss."""
    pair = Pair(
        7,
        dict(loss=0.05, reorder=0.05, delay_cycles=4),
        slots=16,
        room=0.5,
        selective=told,
        reorder_slots=4,
    )
    stream(pair, 80)
