"""The model against peers that send epoch 0: arbitrary frames, and Tesla's module on bad wires.

Whatever such a peer sends, nothing is delivered twice, nothing of the host is lost without a
notice, and no frame has two answers.
"""

import random
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.verif.zero_peer import Module
from ttpverif.check.scoreboard import DeliveryChecker
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.frames.network import Channel
from ttpverif.frames.serial import id_add, id_distance
from ttpverif.model.endpoint import TAKEN, Endpoint, Parameters
from ttpverif.model.link import WeylIds
from ttpverif.model.peer import Peer
from ttpverif.model.states import State

# Shrinking a pair's schedule takes minutes and makes it no plainer: the seed is the case.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
MODULE, ENGINE = 1, 2
ENDS = {"LINK_DOWN", "PEER_RESTARTED", "RETRIES_USED_UP", "REFUSED"}
"""Notices after which what was handed over may be gone."""


# ---- arbitrary frames ---------------------------------------------------------------------------


class Watched:
    """A model with one zero peer, and what must hold after each of its events."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.model = Endpoint(
            Parameters(
                ENGINE,
                slots=8,
                max_retry=self.rng.choice((0, 3)),
                idle_limit=self.rng.choice((0, 9)),
            ),
            WeylIds(seed),
        )
        self.had = Counter()  # ID -> deliveries since the peer last named its position
        self.events = 0

    @property
    def link(self):
        return self.model.links.find(MODULE, 0)

    def event(self, call, *arguments, frame=None):
        """One event; checks it. `frame`: what was received."""
        link = self.link
        stored, numbers = (link.stored, link.received) if link else (0, None)
        resynced = self.model.counters["resynced"]
        outcome = call(*arguments)  # two frames for one event raise in the model
        self.model.check()
        told = {name for name, _, _ in outcome.notices}
        after = self.link
        taken = outcome.event == "HOST_PAYLOAD" and outcome.result == TAKEN
        lost = stored + taken - (after.stored if after else 0)
        if after is not link or after is None:
            assert (
                not lost
                or told & ENDS
                or after is not None
                and (outcome.old_state == State.OPEN_RECD)
            ), f"{lost} lost in silence: {outcome}"
        elif lost:
            assert frame is not None and frame.opcode in (Opcode.ACK, Opcode.NACK, Opcode.OPEN)
        if (
            after is not link
            or self.model.counters["resynced"] != resynced
            or frame is not None
            and frame.opcode in (Opcode.OPEN, Opcode.CLOSE_NACK)
        ):
            if after is None or after.received != numbers:
                self.had.clear()  # the peer named its position anew
        for _, _, packet_id, _ in outcome.deliveries:
            assert packet_id == id_add(numbers, 1), "out of order"
            self.had[packet_id] += 1
            assert self.had[packet_id] == 1, "delivered twice"
        sent = outcome.frame
        if sent is not None and sent.opcode == Opcode.ACK:
            assert id_distance(sent.rx_id, after.received) <= 0, "what has not come is acknowledged"
            if frame is not None and outcome.drop is None:
                assert outcome.deliveries, "acknowledged, and neither delivered nor a duplicate"
        self.events += 1
        return outcome

    def near(self, value):
        return (value + self.rng.choice((-2, -1, 0, 0, 1, 1, 2, 3))) % 2**32

    def any_frame(self):
        """A frame of epoch 0: IDs near those that the link has, or anywhere."""
        rng, link = self.rng, self.link
        opcode = rng.choice(
            list(Opcode) + [Opcode.PAYLOAD] * 5 + [Opcode.OPEN] * 3 + [Opcode.ACK] * 3
        )
        if link is None:
            tx_id = rx_id = rng.choice((1, rng.getrandbits(32)))
        else:
            bases = (link.received, link.oldest, link.fresh, link.seen, link.open_id, 0, 1)
            if opcode in (Opcode.OPEN, Opcode.PAYLOAD, Opcode.CLOSE_NACK):
                bases = (link.received,) * 9 + bases
            tx_id = self.near(rng.choice(bases))
            rx_id = (
                tx_id
                if rng.random() < 0.2
                else self.near(
                    rng.choice((link.oldest, link.fresh, link.open_id, rng.getrandbits(32)))
                )
            )
            if opcode == Opcode.OPEN_ACK and rng.random() < 0.7:
                tx_id, rx_id = rng.choice((0, tx_id)), link.open_id
        payload = b"%d" % self.events if opcode == Opcode.PAYLOAD else b""
        return Frame(
            MODULE, ENGINE, opcode, 0, tx_id, rx_id, 0, rng.choice((0, 0, 0x20)), payload=payload
        )

    def step(self):
        model, rng = self.model, self.rng
        what = rng.random()
        if what < 0.6:
            frame = self.any_frame()
            self.event(
                lambda: model.receive(frame, room=rng.random() < 0.9, send_now=rng.random() < 0.5),
                frame=frame,
            )
        elif what < 0.75:
            self.event(model.host_payload, MODULE, 0, b"h%d" % self.events, rng.random() < 0.5)
        elif what < 0.85:
            self.event(model.timer, MODULE, 0)
        elif what < 0.87:
            self.event(rng.choice((model.host_close, model.host_open)), MODULE, 0)
        elif model.opening():
            self.event(model.open_ack_sent, MODULE, 0)
        elif model.pending():
            self.event(model.visit, MODULE, 0)


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32))
def test_arbitrary_frames(seed):
    watched = Watched(seed)
    for _ in range(400):
        watched.step()


def test_arbitrary_frames_reach_every_rule():
    """What the property above is worth: all that its frames bring about."""
    seen, opened = Counter(), 0
    for seed in range(40):
        watched = Watched(seed)
        for _ in range(400):
            watched.step()
            opened += watched.link is not None and watched.link.state == State.OPEN
        seen += watched.model.counters
    assert opened > 4000
    for name in ("doubted", "resynced", "out_of_step", "woken", "bad_ack", "duplicate", "gap"):
        assert seen[name] > 20, (name, seen)


# ---- Tesla's module -----------------------------------------------------------------------------


class ModulePair:
    """The module (node 1) and the model (node 2) on a network that loses, and their clocks."""

    def __init__(self, seed, faults, start=1, **parameters):
        self.random = random.Random(seed)
        self.module = Module(MODULE, ENGINE, start)
        self.model = Endpoint(Parameters(ENGINE, **parameters), WeylIds(seed % 1000 + 7))
        self.peer = Peer(self.model)
        self.to = {node: Channel(2 * seed + node, **faults) for node in (MODULE, ENGINE)}
        self.now, self.packets = 0, 0
        self.checker = DeliveryChecker()
        self.told = Counter()

    def settle(self):
        for data in self.peer.take_sent():
            self.to[MODULE].push(data, self.now)
        while self.module.sent:
            self.to[ENGINE].push(self.module.sent.popleft(), self.now)
        while self.peer.delivered:
            _, _, _, data = self.peer.delivered.popleft()
            self.got(MODULE, data)
        while self.module.delivered:
            self.got(ENGINE, self.module.delivered.popleft())
        while self.peer.notices:
            name, _, _ = self.peer.notices.popleft()
            self.told[name] += 1
            if name in ENDS:
                self.checker.link_lost(ENGINE, MODULE, 0)
                self.checker.link_lost(MODULE, ENGINE, 0)

    def got(self, source, data):
        """A host was given a packet."""
        self.checker.got(source, MODULE + ENGINE - source, 0, data)

    def write(self, node):
        self.packets += 1
        data = b"%d" % self.packets
        if node == MODULE:
            self.checker.put(MODULE, ENGINE, 0, data)
            self.module.write(data)
        elif self.peer.payload(MODULE, 0, data, self.random.random() < 0.5).result == TAKEN:
            self.checker.put(ENGINE, MODULE, 0, data)
        self.settle()

    def clock(self):
        self.now += 1
        for data, bad in self.to[ENGINE].pop(self.now):
            self.peer.receive(data, bad)
            self.settle()
        for data, bad in self.to[MODULE].pop(self.now):
            if not bad:
                self.module.receive(data)
                self.settle()
        self.peer.visit_once()
        if self.now % 40 == 0:
            self.peer.timer_round()
        if self.now % 60 == 30:
            self.module.tick()
        self.settle()

    def quiet(self):
        return not (
            len(self.to[ENGINE])
            or len(self.to[MODULE])
            or self.module.queue
            or self.module.state == "OPENING"
            or self.module.closes
            or any(
                link.stored or link.state not in (State.OPEN, State.CLOSED)
                for link in self.model.links
            )
        )

    def run_until_quiet(self, limit=30_000):
        for _ in range(limit):
            self.clock()
            if self.quiet():
                return
        raise AssertionError(f"not quiet: {list(self.model.links)}, {vars(self.module)}")


FAULTS = st.fixed_dictionaries(
    {
        "loss": st.sampled_from((0.0, 0.05, 0.25)),
        "duplicate": st.sampled_from((0.0, 0.1)),
        "delay_cycles": st.sampled_from((0, 3, (1, 20))),
    }
)


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(
    st.integers(0, 2**32),
    FAULTS,
    st.sampled_from((1, 0xFFFFFFFA)),
    st.sampled_from((MODULE, ENGINE)),
    st.sampled_from((4, 64)),
)
def test_everything_arrives_at_and_from_the_module(seed, faults, start, opener, slots):
    """Both ways, exactly once, without a write that wakes the module, until the close."""
    pair = ModulePair(seed, faults, start, slots=slots, init_id=start)
    pair.write(opener)
    pair.run_until_quiet()
    for _ in range(60):
        pair.write(pair.random.choice((MODULE, ENGINE)))
        for _ in range(pair.random.randrange(6)):
            pair.clock()
    pair.run_until_quiet()
    pair.checker.finish()
    assert set(pair.told) <= {"LINK_UP", "PEER_RESTARTED"}
    if not faults["loss"] and not faults["duplicate"]:
        assert set(pair.told) == {"LINK_UP"}
    pair.write(ENGINE)
    pair.peer.close(MODULE, 0)  # what was handed over before it is delivered (Z2)
    pair.run_until_quiet()
    pair.checker.finish()
    assert not list(pair.model.links) and pair.model.free_slots == slots


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32), FAULTS)
def test_the_modules_close_frees_both_sides(seed, faults):
    """Z1, Z3: whatever is outstanding. Where its CLOSE is lost and our ACK or PAYLOAD stops its
    timer, the idle close ends the link. On a wire that loses the CLOSE_ACK of Z3 it hears no more.
    """
    pair = ModulePair(seed, faults, idle_limit=20)
    for _ in range(20):
        pair.write(pair.random.choice((MODULE, ENGINE)))
        pair.clock()
    pair.run_until_quiet()
    for _ in range(pair.random.randrange(4)):
        pair.write(ENGINE)
    pair.module.close()
    pair.settle()
    for _ in range(20_000):
        pair.clock()
        if not list(pair.model.links) and pair.quiet():
            break
    assert not list(pair.model.links) and pair.told["LINK_DOWN"] == 1
    assert pair.module.state == "CLOSED" or faults["loss"]


class Restarting(ModulePair):
    """Both sides forget everything now and then. What one of them had not acknowledged when it
    forgot, the next one may get again; but each gets nothing twice and nothing out of order.

    What was on the wire then is gone before it is back: without epochs nobody could tell.
    """

    def __init__(self, seed, faults):
        super().__init__(seed, faults, max_retry=20)
        self.newest = Counter()  # by source: of the packets that this incarnation was given

    def got(self, source, data):
        assert int(data) > self.newest[source], f"twice or out of order: {data}"
        self.newest[source] = int(data)

    def restart(self, node):
        for channel in self.to.values():
            channel.pop(self.now + 10_000)
        if node == MODULE:
            self.module.reload()
        else:
            self.model = Endpoint(self.model.parameters, WeylIds(self.random.getrandbits(30)))
            self.peer = Peer(self.model)
        del self.newest[MODULE + ENGINE - node]


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32), FAULTS)
def test_restarts_of_either_side(seed, faults):
    """Nothing twice, nothing out of order, no silence for ever, whoever forgets what when."""
    pair = Restarting(seed, faults)
    for _ in range(5):
        for _ in range(12):
            pair.write(pair.random.choice((MODULE, ENGINE)))
            for _ in range(pair.random.randrange(5)):
                pair.clock()
        pair.restart(pair.random.choice((MODULE, ENGINE)))
    for node in (MODULE, ENGINE):
        pair.write(node)
    pair.run_until_quiet()


@pytest.mark.parametrize("seed", range(30))
def test_no_frame_is_answered_without_end(seed):
    """Any state of the two, any frame on the wire: without timers they fall silent."""
    pair = ModulePair(seed, {})
    for _ in range(pair.random.randrange(30)):
        pair.write(pair.random.choice((MODULE, ENGINE)))
        pair.clock()
        if pair.random.random() < 0.1:
            pair.random.choice(
                (pair.module.reload, pair.module.close, lambda: pair.peer.close(MODULE, 0))
            )()
    pair.peer.visit_all()
    pair.peer.sent.clear()
    pair.module.sent.clear()
    frames = Counter()
    strange = Watched(seed)
    strange.model = pair.model
    to_engine = [strange.any_frame().pack()]
    to_module = [
        Frame(
            ENGINE,
            MODULE,
            pair.random.choice(list(Opcode)[:6]),
            0,
            pair.random.choice((1, 2, pair.random.getrandbits(32))),
            1,
            9,
        ).pack()
    ]
    while to_engine or to_module:
        for data in to_engine:
            pair.peer.receive(data)
        for data in to_module:
            pair.module.receive(data)
        pair.peer.visit_all()
        pair.peer.delivered.clear()
        to_engine, to_module = list(pair.module.sent), pair.peer.take_sent()
        pair.module.sent.clear()
        frames.update(Frame.parse(data)[0].opcode.name for data in to_engine + to_module)
        assert frames.total() < 400, f"a storm: {frames}"
