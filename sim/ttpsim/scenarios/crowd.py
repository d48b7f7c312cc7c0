"""Sixteen backlogged peers and a silent one, all with epoch 0: the timer wakes it later (Z7).

Peers that do not agree on congestion control are counted for each PAYLOAD of theirs (K4). While
sixteen are, the silent one is woken by the third time-out in a row and not before; when they are
gone, the next one that falls silent is woken by its first.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_lockstep
from ttpverif.frames.frame import Frame, Opcode

RUNS = [{"sim": "verilator", "preset": "default"}]

DATA = 2
MANY = 16  # links that are a crowd
TICK = 16


def word(node, peer, opcode, tx=1, payload=b""):
    """A frame of a peer with epoch 0, as Tesla's module sends it."""
    node.play(Frame(peer, node.address, Opcode[opcode], DATA, tx, 1, 0, 0, payload=payload).pack())


class Crowd:
    """The peers, of which the last one is silent after its first packet."""

    def __init__(self, bench):
        self.bench, self.a = bench, bench.a
        self.peers = [0x000100 + 8 * number for number in range(MANY + 1)]
        self.sent = 1  # the last ID of each

    async def opens(self):
        for peer in self.peers:
            word(self.a, peer, "OPEN")
        await self.bench.until(
            lambda: len(self.a.notices) == len(self.peers), 20_000, "all links up", poll=True
        )
        self.speak(self.peers)
        await self.bench.cycles(2_000)

    def speak(self, peers):
        self.sent += 1
        for peer in peers:
            word(self.a, peer, "PAYLOAD", self.sent, b"one more")

    async def woken(self, rounds, busy):
        """In how many of so many rounds of the timer a wake went out; the others speak in each,
        if they are `busy`."""
        found = []
        for _ in range(rounds):
            before = self.a.counts()["woken"]
            if busy:
                self.speak(self.peers[:-1])
            await self.bench.cycles(TICK * self.bench.config["links"])
            found.append(self.a.counts()["woken"] - before)
        return found


@scenario
async def crowd(bench):
    bench.connect()
    followed = follow_lockstep(bench)
    bench.a.configure(timer_tick=TICK)
    play = Crowd(bench)
    await play.opens()
    while_busy = await play.woken(5, busy=True)
    assert sum(while_busy) == 1 and not any(while_busy[:2]), while_busy
    # Nobody is counted any more: each of the others is woken by its first time-outs.
    quiet = await play.woken(5, busy=False)
    assert sum(quiet) > 2 * MANY, quiet
    for feed in followed:
        feed.finish()
    bench.report(f"{MANY} backlogged peers, one that is silent")
