"""When the next packet of a link may go, and what the gate asks (decisions K8, K9).

Clock 5 of the law's six.
"""

from amaranth import Mux, Signal

from .state import gate_layout, state_layout

__all__ = ["Pace"]


class Pace:
    """Clock 5: the word `state` that is written, the `gate`'s word, and whether the link is `free`
    to send at once, for the event `e` (`heard_layout`). `known` is the `Window`.

    `touched` says that the event is one of a link of VC 2; then `o_packet` and `o_new_gap` tell
    `backlog` a clock later of a PAYLOAD, and of a gap that has just opened. While the memories are
    swept all words are zero.
    """

    def __init__(self, m, config, e, known, *, touched, sweeps, o_packet, o_new_gap):
        old = known.state
        self.state = f = Signal(state_layout(config), name="f_state")
        self.gate = gate = Signal(gate_layout(), name="f_gate")
        self.free, self.now = Signal(), Signal(16)
        full, nearly = e.current >= old.window, e.current + 1 >= old.window
        paced, single = old.gap != 0, old.window == 1
        m.d.sync += [
            f.eq(old),
            f.limited.eq(old.limited | (full & e.waits & ~e.begins)),
            gate.slow.eq(e.controlled & (paced | nearly)),
            gate.stop.eq(e.controlled & full),
            gate.paced.eq(e.controlled & (paced | single)),
            self.free.eq(e.controlled & ~paced & ~nearly),
            self.now.eq(known.now),
            o_packet.eq(touched & e.arrives),
            o_new_gap.eq(touched & e.new_gap),
        ]
        # When the next packet may go (K8): the same for the word and for the gate.
        next_at, later = Signal(16), Signal(16)
        turn = e.begins & known.far  # many came before it
        m.d.comb += [
            next_at.eq(old.next_at),
            later.eq(known.now + Mux(known.pauses, known.delay << 1, old.gap)),
        ]
        with m.If(~turn & (e.begins | (e.visited & ~e.sends & ~known.late[-1]))):
            m.d.comb += next_at.eq(known.now)
        with m.Elif(e.sends):
            m.d.comb += next_at.eq(Mux(known.idled, known.sent_late, known.sent))
        with m.Elif(turn | known.pauses | (e.hears & known.clips)):
            m.d.comb += next_at.eq(later)
        m.d.sync += [f.next_at.eq(next_at), gate.next_at.eq(next_at)]
        with m.If(sweeps):  # costs less than to clear what is written
            m.d.sync += [f.eq(0), gate.eq(0), self.free.eq(0)]
