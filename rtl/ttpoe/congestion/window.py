"""What a sample of the round trip makes of a link's window (decisions K7, K8, K10).

Clocks 3 and 4 of the law's six: `Differences` compares the event with the link's word, `Window`
makes the new word, but for the time at which the next packet may go, which is `pace`'s.
"""

from amaranth import Mux, Signal

from .state import UNKNOWN, state_layout

__all__ = ["CUT", "LONG", "Differences", "Window"]

CUT, LONG = 160, 128
"""Delays beyond the shortest round trip, in 4 U: from here on the window shrinks, the engine is slow."""

_START = 2  # the window of a link that begins
_PACED = 640 >> 7  # from such a gap on a link is slow by that alone, in 128 U


class Differences:
    """Clock 3: how the event `c` (`heard_layout`) lies to the link's word `old`.

    `now` is the time in clock 3 and `now_3` the same and 3 more, `new_gap` what the event's code
    asks for, `sent_id` the ID that it sends. The attributes are what clock 4 finds.
    """

    def __init__(self, m, config, c, *, old, now, now_3, new_gap, sent_id):
        bits = config.count_bits
        self.old = d_old = Signal(state_layout(config), name="d_old")
        self.gap = d_gap = Signal(15, name="d_gap")
        self.late = d_late = Signal(16, name="d_late")  # time since the next packet might have gone
        self.round = d_round = Signal(12, name="d_round")  # the sample
        self.now = d_now = Signal(16, name="d_now")
        self.hit = Signal(name="d_hit")  # a sample
        self.over = Signal(name="d_over")  # the timing is over without one
        self.starts = Signal(name="d_starts")
        self.less, self.more = Signal(bits), Signal(bits)
        window = Signal(bits)
        anew = c.begins
        m.d.comb += window.eq(Mux(anew, _START, old.window))
        grown = Signal(bits + 1)
        m.d.comb += grown.eq(Mux(old.growing, window << 1, window + 1 + (window >> 5)))
        since = Signal(14)
        hit = old.timing & c.keyed & (c.key == old.timed)
        passed = Signal(bits)
        m.d.comb += [since.eq(now_3 - old.stamp), passed.eq(c.past - old.timed)]
        m.d.sync += [
            d_old.eq(old),
            d_old.window.eq(window),
            d_gap.eq(Mux(c.hears, new_gap, Mux(anew, 0, old.gap))),
            d_late.eq(now - old.next_at),
            d_round.eq(since >> 2),
            d_now.eq(now),
            self.hit.eq(hit & ~anew),
            self.over.eq(
                hit
                | c.cancels
                | anew
                | c.idle
                | (c.passes & ~passed[-1])
                | (c.sends & ~c.first & (sent_id == old.timed))
            ),
            self.starts.eq(c.first & ~old.timing & ~anew),
            self.less.eq(
                Mux(window[2:].any(), window - (window >> 2), Mux(window > 1, window - 1, 1))
            ),
            self.more.eq(Mux(grown > config.slots, config.slots, grown)),
        ]
        self.id = Signal(bits, name="d_id")
        m.d.sync += self.id.eq(sent_id)


class Window:
    """Clock 4: the link's new word `state`, and what `pace` needs beside it, for the event `d`.

    `found` are the `Differences`; `touched` says that the event is one of a link of VC 2; `limit` is
    the age in visits from which on a link counts no more. A clock later `o_long` and `o_cut` say that
    the sample was long, and that the window was cut.
    """

    def __init__(self, m, config, d, found, *, touched, limit, o_long, o_cut):
        old = found.old
        self.state = e = Signal(state_layout(config), name="e_state")
        self.late, self.now = Signal(16), Signal(16)
        self.sent, self.sent_late = (Signal(16, name=f"e_{n}") for n in ("sent", "sent_late"))
        self.idled, self.clips = Signal(), Signal()  # late by half a gap; the gap has shrunk
        self.pauses, self.delay, self.far = Signal(), Signal(12), Signal()
        far = Signal()
        m.d.comb += far.eq(found.gap >> 7 >= _PACED)
        delay = Signal(13)
        m.d.comb += delay.eq(found.round - old.base)
        nearer = delay[12]
        cut = found.hit & ~nearer & (delay[:12] >= CUT)
        grows = found.hit & ~cut & old.limited
        half = found.gap >> 1
        # Times are serial numbers: the sign of a difference says which is later.
        early, spare = Signal(16), Signal(16)
        m.d.comb += [early.eq(half - found.late), spare.eq(found.late + found.gap)]
        m.d.sync += [
            e.eq(old),
            e.gap.eq(found.gap),
            self.late.eq(found.late),
            self.now.eq(found.now),
            self.sent.eq(old.next_at + found.gap),
            self.sent_late.eq(found.now - half + found.gap),
            self.idled.eq(early[15]),
            self.clips.eq(spare[15] & spare[:15].any()),
            # The window cannot shrink any more, and no gap does its work.
            self.pauses.eq(cut & (old.window == 1) & ~far),
            self.far.eq(far),
            self.delay.eq(delay),
            e.growing.eq(old.growing & ~cut),
            e.limited.eq(old.limited & ~found.hit),
            o_long.eq(touched & found.hit & ~nearer & (delay[:12] >= LONG)),
            o_cut.eq(touched & cut),
        ]
        self._window(m, d, found, cut, grows, nearer)
        self._counted(m, d, old, limit)

    def _window(self, m, d, found, cut, grows, nearer):
        old, e = found.old, self.state
        with m.If(found.hit & nearer):
            m.d.sync += e.base.eq(found.round)
        with m.If(cut):
            m.d.sync += e.window.eq(found.less)
        with m.Elif(grows):
            m.d.sync += e.window.eq(found.more)
        with m.If(found.over):
            m.d.sync += e.timing.eq(0)
        with m.If(found.starts):
            m.d.sync += [e.timing.eq(1), e.timed.eq(found.id), e.stamp.eq(found.now)]
        # Nothing was long: it was no full buffer that lost it.
        halved = Mux(old.window[2:].any(), old.window >> 1, _START)
        with m.If(d.times_out | d.idle):
            m.d.sync += e.window.eq(Mux(d.times_out, Mux(d.slow, 1, halved), _START))
        with m.If(d.times_out | d.idle | d.begins):
            m.d.sync += e.growing.eq(1)
        with m.If((d.times_out & d.second) | d.idle | d.begins):
            m.d.sync += e.base.eq(UNKNOWN)
        with m.If(d.idle):
            m.d.sync += e.gap.eq(0)
        with m.If(d.begins):
            m.d.sync += [e.timing.eq(0), e.limited.eq(0)]

    def _counted(self, m, d, old, limit):
        """The receiver's half: is the link one of those that are backlogged?"""
        e = self.state
        age = Signal(6)
        m.d.comb += age.eq(old.age + 1)
        with m.If(d.begins):
            m.d.sync += [e.counted.eq(d.answered), e.age.eq(0)]
        with m.Elif(d.arrives):
            m.d.sync += [e.counted.eq(d.backlogged), e.age.eq(0)]
        with m.Elif(d.visited & old.counted):
            m.d.sync += [e.age.eq(age), e.counted.eq(age <= Mux(d.controlled, limit, 2))]
        self.was_counted = Signal(name="e_was_counted")
        m.d.sync += self.was_counted.eq(old.counted)
