"""The end of a script: everything arrives, no slot is lost, and every link closes."""

from ..model.states import State
from .follower import LeakError
from .played import STEP, payload

__all__ = ["Ending", "StuckError"]

_FILLS = 20  # times at most that packets are handed over to fill a memory


class StuckError(AssertionError):
    """No progress although the network is perfect and every reader reads."""


class Ending:
    """What follows the last event of a `player.Player`: the network is perfect, every reader reads."""

    def __init__(self, player):
        self.player = player

    async def run(self):
        """All of it; raises what is wrong."""
        bench = self.player.bench
        for name, node in self.player.nodes.items():
            self.player.set_ready(node, 1.0)
            for source in node.sources.values():
                source.gap = 0.0
            if self.player.managed:
                await self.player.registers[name].CONTROL.set(enable=1)
            else:
                node.configure(enable=1)
        for wire in self.player.wires.values():
            wire.quiet()
        beats = (
            sum(
                len(source.queue)
                for node in self.player.nodes.values()
                for source in node.sources.values()
            )
            * 1100
            * 8
            // bench.config["width_bits"]
        )
        self.limit = 30 * self._round() + 20 * beats + 20_000
        await self._until(self.player.settled, "everything delivered and acknowledged")
        self.player.deliveries.finish()
        if self.player.script.lockstep:
            # They could fill a set, and what follows would be refused.
            await self._until(self._no_ghosts, "links to ghosts end")
            for name in self.player.nodes:
                await self._fill(name)
            await self._close_all()
            self.player.deliveries.finish()
        for follower in self.player.followers.values():
            follower.finish(bench.config["slots"])
        for name, node in self.player.nodes.items():
            strange = [
                f.data
                for f in node.os_received
                if f.data not in self.player.os_sent["b" if name == "a" else "a"]
            ]
            if strange:
                raise LeakError(f"{name}: its operating system got {strange[0].hex()}")

    def _round(self):
        ticks = [node.configuration["timer_tick"] for node in self.player.nodes.values()]
        return self.player.bench.config["links"] * max(ticks)

    async def _until(self, holds, what):
        deadline = self.player.bench.now() + self.limit
        while not holds():
            if self.player.bench.now() > deadline:
                raise StuckError(f"not within {self.limit} clocks: {what}; {self._links()}")
            await self.player.bench.cycles(STEP)
            if self.player.script.lockstep:
                await self._drop_ghosts()

    def _links(self):
        """The links as the model knows them."""
        if not self.player.script.lockstep:
            return "the model did not follow"
        return "; ".join(
            f"{name}: {link}"
            for name, follower in self.player.followers.items()
            for link in follower.model.links
        )

    async def _drop_ghosts(self):
        """Links to ghosts are closed, so that they hold nothing for ever."""
        for name, follower in self.player.followers.items():
            partner = self.player.partner[name].address
            link = next(
                (
                    link
                    for link in follower.model.links
                    if link.node != partner and link.state in (State.OPEN_SENT, State.OPEN)
                ),
                None,
            )
            if link is not None:
                await self._close_link(name, link)

    def _no_ghosts(self):
        return all(
            link.node == self.player.partner[name].address
            for name, follower in self.player.followers.items()
            for link in follower.model.links
        )

    async def _fill(self, name):
        """Fill the receive memory of `name` from the other engine: no slot may be missing."""
        bench, config = self.player.bench, self.player.bench.config
        node, sender = self.player.nodes[name], self.player.partner[name]
        vc = self.player.script.seed % 3
        follower = self.player.followers[name]
        room = config["rx_slots"] - config["reorder_slots"] - 2 * config["rx_reserved"]
        before = follower.coverage.stats.copy()
        giver = self.player.followers["b" if name == "a" else "a"]
        node.ready[vc] = 0.0
        bench.kick()

        def since(*names):
            return sum(follower.coverage.stats[name] - before[name] for name in names)

        def taken():
            return since("delivered", "delivered_kept")

        def full():
            return since("drop_no_room") or taken() > room

        for _ in range(_FILLS):
            # A link may just be ending, or its set be full: what is refused is handed over again.
            told = giver.refused + giver.excused
            for _ in range(room + 1):
                sender.send(node.address, vc, payload(self.player.numbers[name], 1024))
                self.player.numbers[name] += 1
            await self._until(
                lambda told=told: full() or giver.refused + giver.excused > told,
                "the receive memory is full",
            )
            if full():
                break
        got = taken()
        node.ready[vc] = 1.0
        bench.kick()
        # What was kept behind a gap stays where it was kept, beside the room of the VCs.
        if got < room or got > room + since("delivered_kept"):
            raise LeakError(
                f"{name}: the receive memory took {got} packets of VC {vc}, it has room for {room}"
            )
        await self._until(self.player.settled, "the receive memory is empty")

    async def _close_all(self):
        bench = self.player.bench

        def closed():
            return not any(len(wire) for wire in self.player.wires.values()) and not any(
                list(follower.model.links) or follower.model.purging.total()
                for follower in self.player.followers.values()
            )

        deadline = bench.now() + self.limit
        while not closed():
            if bench.now() > deadline:
                raise StuckError(f"links that never close: {self._links()}")
            for name, follower in self.player.followers.items():
                for link in list(follower.model.links):
                    if link.state in (State.OPEN, State.OPEN_SENT):
                        await self._close_link(name, link)
            await bench.cycles(STEP)
        await bench.cycles(STEP)

    async def _close_link(self, name, link):
        if self.player.managed:
            await self.player.register_command(self.player.registers[name], link.node, link.vc, 1)
        else:
            self.player.nodes[name].close(link.node, link.vc)
