"""Choosing among requesters of different urgency, so that none starves.

Source: section 1.3 ("urgency at every arbiter: VC 1, then VC 0, then VC 2, with a bound on how
long any VC can wait").
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["UrgencyArbiter"]


def _several(bits):
    """Two or more of `bits` are high; a tree of pairs, each (one or more, two or more)."""
    pairs = [(bit, Const(0, 1)) for bit in bits]
    while len(pairs) > 1:
        joined = [
            (a | b, more_a | more_b | (a & b))
            for (a, more_a), (b, more_b) in zip(pairs[::2], pairs[1::2])
        ]
        pairs = joined + pairs[2 * len(joined) :]
    return pairs[0][1]


def _with_those_in_front(bits):
    """For each bit, whether one in front of it is high; and whether any is. A tree: a chain through
    all of them would be the longest path of the choice."""
    if len(bits) == 1:
        return [Const(0, 1)], bits[0]
    half = len(bits) // 2
    (first, any_first), (second, any_second) = map(_with_those_in_front, (bits[:half], bits[half:]))
    return [*first, *(any_first | bit for bit in second)], any_first | any_second


class UrgencyArbiter(wiring.Component):
    """Grants one of `count` requesters; requester 0 is the most urgent.

    While somebody has to wait, of `share` grants `share` - 1 go to the most urgent requester. The
    last one is offered to the requester under a pointer, which then moves on by one, and goes to
    the most urgent one only if that requester asks for nothing. So **a requester that keeps
    asking is granted within `share * count` grants**, those aside in which the turn waits for
    one that has no room. As soon as nobody waits the count starts
    again: where requests meet but now and then, the most urgent one never loses (claim S5).

    Parameters
    ----------
    count : int
        Requesters, at least 1.
    share : int
        One grant in `share` is by turn, at least 1 (1: round robin only). A power of two costs
        least.

    Members
    -------
    requests : In(count)
        One bit per requester. May change freely from clock to clock.
    waiting : In(count)
        Who would ask, but has no room to go to in this clock; never a bit of `requests`. It counts
        as somebody who waits, and when its turn has come the turn waits for it: room that comes
        back now and then does not go to the most urgent requester every time.
    advance : In(1)
        The grant of this clock is used: the turn passes on. Must not be set without a request.
    grant : Out(count)
        One-hot, zero if nothing is requested; only ever a requester that asks.
    index : Out(range(count))
        The number of the requester granted; 0 if none.

    Timing: `grant` and `index` follow `requests` in the same clock (two or three LUTs for up to
    four requesters) and do not depend on `advance`.

    Reset: the first grant by turn is the `share`-th under contention, and requester 0's.
    """

    def __init__(self, count, share=4):
        self._count = count
        self._share = share
        super().__init__(
            {
                "requests": In(count),
                "waiting": In(count),
                "advance": In(1),
                "grant": Out(count),
                "index": Out(range(count)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        count, share = self._count, self._share
        turn = Signal(range(share))
        pointer = Signal(count, init=1)
        by_turn = Signal()
        m.d.comb += by_turn.eq(turn == share - 1)

        in_front, _ = _with_those_in_front(list(self.requests))
        favoured = Signal(count)
        most_urgent = Signal(count)
        m.d.comb += [
            favoured.eq(self.requests & pointer & by_turn.replicate(count)),
            most_urgent.eq(Cat(bit & ~others for bit, others in zip(self.requests, in_front))),
            self.grant.eq(Mux(favoured.any(), favoured, most_urgent)),
            self.index.eq(
                Cat(
                    Cat(self.grant[n] for n in range(count) if n >> bit & 1).any()
                    for bit in range(len(self.index))
                )
            ),
        ]
        # Beside the one that is granted somebody wants something if two do: this does not wait for
        # the grant.
        wants = self.requests | self.waiting
        others_wait = _several(wants)
        turn_waits = by_turn & (pointer & self.waiting).any()
        with m.If(self.advance & others_wait & ~turn_waits):
            m.d.sync += turn.eq(Mux(by_turn, 0, turn + 1))
            with m.If(by_turn):
                m.d.sync += pointer.eq(pointer.rotate_left(1))
        with m.Elif((self.advance & ~others_wait) | ~wants.any()):
            m.d.sync += turn.eq(0)
        return m
