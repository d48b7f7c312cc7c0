"""What the interlock has to do, written down clock by clock from its documentation."""

from dataclasses import dataclass, field

from ttpoe.config import preset
from ttpoe.memory.forwarded import APART, FORWARDED

__all__ = ["CONFIG", "Bench", "Entry"]

CONFIG = preset("tiny")


@dataclass
class Entry:
    """An event; `place` is None if it concerns none."""

    row: int
    place: int | None
    number: int
    taken: int = 0
    entered: int = 0
    behind: bool = False  # the waiting room was full when it came to the door

    def payload(self, shown):
        """What the interlock is shown; `shown`: the place, if it concerns none."""
        return {
            "event": {"tx_id": self.number, "lid": self.number % CONFIG.links},
            "row": self.row,
            "uses_place": self.place is not None,
            "place": shown if self.place is None else self.place,
        }

    def distance_kept(self, older, now):
        """May it enter now, as far as `older` is concerned?"""
        gap = now - older.entered
        if self.place is not None and self.place == older.place:
            return gap >= APART
        return self.row != older.row or gap == FORWARDED or gap >= APART

    def is_with(self, other):
        return self.row == other.row or (self.place is not None and self.place == other.place)


@dataclass
class Bench:
    """The interlock `dut` beside its description; both must agree in every clock."""

    ctx: object
    dut: object
    rng: object
    now: int = 0
    door: Entry | None = None
    room: Entry | None = None
    entered: list = field(default_factory=list)
    asides: int = 0
    place: int = 0  # the last one that an event concerned: those that concern none show it, too

    def _may_enter(self, entry):
        near = [older for older in self.entered[-APART:] if self.now - older.entered < APART]
        return all(entry.distance_kept(older, self.now) for older in near)

    def _decide(self):
        """(who enters, whether the one at the door steps aside)"""
        door, room = self.door, self.room
        if room is not None and self._may_enter(room):
            return room, False
        if door is None:
            return None, False
        may = self._may_enter(door)
        if may and not (room is not None and door.is_with(room)):
            return door, False
        return None, room is None and not may

    def _compare(self, enters, ready):
        ctx, dut = self.ctx, self.dut
        assert ctx.get(dut.i_event.ready) == ready, self.now
        leaves = self.room is not None and self._may_enter(self.room)
        assert ctx.get(dut.o_leaves) == leaves, self.now
        assert ctx.get(dut.o_aside.valid) == (self.room is not None), self.now
        assert self.room is None or ctx.get(dut.o_aside.payload) == self.room.row
        assert ctx.get(dut.o_event.valid) == (enters is not None), self.now
        if enters is not None:
            shown = ctx.get(dut.o_event.payload)
            assert shown.event.tx_id == enters.number, self.now
            assert shown.row == enters.row and shown.uses_place == (enters.place is not None)
            assert enters.place is None or shown.place == enters.place

    async def step(self, offered):
        """One clock in which `offered`, an `Entry` or None, is there; whether it is taken."""
        ctx, dut = self.ctx, self.dut
        enters, aside = self._decide()
        ready = self.door is None or aside or enters is self.door
        ctx.set(dut.i_event.valid, offered is not None)
        if offered is not None:
            self.place = self.place if offered.place is None else offered.place
            ctx.set(dut.i_event.payload, offered.payload(self.place))
        self._compare(enters, ready)
        if enters is not None:
            enters.entered = self.now
            self.entered.append(enters)
        if enters is not None and enters is self.room:
            self.room = None
        if aside:
            self.room, self.asides = self.door, self.asides + 1
        taken = ready and offered is not None
        if taken:
            offered.taken, offered.behind = self.now, self.room is not None
        if ready:
            self.door = offered
        await ctx.tick()
        self.now += 1
        return taken

    async def play(self, entries, pause=lambda: False):
        """All `entries`, one behind the other as soon as each is taken; then until all are in."""
        for entry in entries:
            while pause():
                await self.step(None)
            while not await self.step(entry):
                pass
        while self.door is not None or self.room is not None:
            await self.step(None)
        return [entry.entered - entries[0].taken for entry in entries]
