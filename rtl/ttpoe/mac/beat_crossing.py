"""Beats and events from one clock domain to another.

Source: IEEE 802.3 has none; `amaranth.lib.fifo` says what its FIFO does when one side is reset.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import AsyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout, event_signature
from .store import pack, packed_layout, unpack

__all__ = ["BeatCrossing", "EventCrossing", "RxGuard"]

EVENTS = 8
"""Clocks with pulses that may be under way in an `EventCrossing`."""


class BeatCrossing(wiring.Component):
    """Frames from one clock to another, whatever their ratio, and whichever side is reset.

    Each beat carries whether it is its frame's first. A reset of the reader leaves the rest of a
    frame in the FIFO: it is thrown away up to the next first beat. A reset of the writer empties
    the FIFO: a frame of which the reader has the beginning ends with `error`, when the next one
    comes. So no frame is made of two.

    Parameters
    ----------
    config : Config
    depth : int
        Beats that it holds. From 8 on it moves a beat per clock of the slower side.
    i_domain, o_domain : str
        The clocks of `i` and `o`.

    Members
    -------
    i : In(stream of beat), in `i_domain`
    o : Out(stream of beat), in `o_domain`

    Timing: a beat taken in clock t of `i_domain` is on `o` after 4 or 5 clocks of `o_domain`. For
    the timing analysis the paths between the domains are false ones, bounded by a clock's period.

    Reset: either side, see above.
    """

    def __init__(self, config, depth, i_domain, o_domain):
        self._config, self._depth = config, depth
        self._domains = i_domain, o_domain
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o = self.i, self.o
        i_domain, o_domain = self._domains
        width = packed_layout(self._config).size
        m.submodules.fifo = fifo = AsyncFIFOBuffered(
            width=width + 1, depth=self._depth, w_domain=i_domain, r_domain=o_domain
        )
        starts = Signal(init=1)
        m.d.comb += [
            i.ready.eq(fifo.w_rdy),
            fifo.w_en.eq(i.valid),
            fifo.w_data.eq(Cat(pack(m, self._config, i.payload), starts)),
        ]
        with m.If(i.valid & i.ready):
            m.d[i_domain] += starts.eq(i.p.last)

        inside, first = Signal(), fifo.r_data[width]
        unpack(m, self._config, fifo.r_data[:width], o.payload)
        with m.If(first & inside):  # the writer was reset, the rest of that frame is lost
            m.d.comb += [o.valid.eq(fifo.r_rdy), o.p.keep.eq(1), o.p.last.eq(1), o.p.error.eq(1)]
        with m.Elif(first | inside):
            m.d.comb += [o.valid.eq(fifo.r_rdy), fifo.r_en.eq(o.ready)]
        with m.Else():  # we were reset
            m.d.comb += fifo.r_en.eq(1)
        with m.If(o.valid & o.ready):
            m.d[o_domain] += inside.eq(~o.p.last)
        return m


class RxGuard(wiring.Component):
    """In front of a crossing that may be full: a frame passes whole, ends with `error`, or is
    dropped whole.

    Members
    -------
    i : In(event of beat)
    o : Out(stream of beat)
        For the FIFO behind it. Not a stream in full: a beat that finds no `ready` does not wait.
    overflowed : Out(1)
        A frame was cut or dropped: there was no room.

    Timing: no clock. A frame that was cut ends as soon as there is room again; one that begins
    before that is dropped.
    Reset: the next beat is the first of a frame.
    """

    def __init__(self, config):
        super().__init__(
            {
                "i": In(event_signature(beat_layout(config))),
                "o": Out(stream.Signature(beat_layout(config))),
                "overflowed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o = self.i, self.o
        inside = Signal()  # the frame's beginning has passed
        discarding = Signal()  # its rest will not
        owed = Signal()  # its end
        m.d.comb += o.payload.eq(i.payload)
        with m.If(owed):
            m.d.comb += [o.valid.eq(1), o.p.keep.eq(1), o.p.last.eq(1), o.p.error.eq(1)]
            m.d.sync += owed.eq(~o.ready)
        with m.Elif(~discarding):
            m.d.comb += o.valid.eq(i.valid)
        with m.If(i.valid):
            with m.If(discarding):
                m.d.sync += discarding.eq(~i.p.last)
            with m.Elif(owed | ~o.ready):
                m.d.comb += self.overflowed.eq(1)
                m.d.sync += [discarding.eq(~i.p.last), inside.eq(0)]
                with m.If(~owed):
                    m.d.sync += owed.eq(inside)
            with m.Else():
                m.d.sync += inside.eq(~i.p.last)
        return m


class EventCrossing(wiring.Component):
    """One-clock pulses from one clock to another, as one-clock pulses.

    Parameters
    ----------
    names : iterable of str
        Names of the pulses.
    i_domain, o_domain : str

    Members
    -------
    i : In of a member for each name, in `i_domain`
    o : Out of the same, in `o_domain`

    Timing: 4 or 5 clocks of `o_domain`. Pulses of one clock arrive together. Eight clocks with
    pulses may be under way, each until 3 clocks of `i_domain` after it came out; more are lost, if
    the reader is so slow: a MAC gives one per frame or two.
    Reset: pulses on their way may be lost.
    """

    def __init__(self, names, i_domain, o_domain):
        names = list(names)
        self._names, self._domains = names, (i_domain, o_domain)
        bits = wiring.Signature({name: Out(1) for name in names})
        super().__init__({"i": In(bits), "o": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        i_domain, o_domain = self._domains
        m.submodules.fifo = fifo = AsyncFIFOBuffered(
            width=len(self._names), depth=EVENTS + 1, w_domain=i_domain, r_domain=o_domain
        )
        pulses = Cat(getattr(self.i, name) for name in self._names)
        m.d.comb += [
            fifo.w_data.eq(pulses),
            fifo.w_en.eq(pulses.any()),
            fifo.r_en.eq(1),
            Cat(getattr(self.o, name) for name in self._names).eq(
                fifo.r_data & fifo.r_rdy.replicate(len(self._names))
            ),
        ]
        return m
