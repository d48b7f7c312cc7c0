"""`CongestionControl`: the law of congestion as one block (section 11, decisions K1 to K14)."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, report
from ..pipeline.records import committed_layout
from .backlog import Backlog
from .gate import Gate
from .law import STATS, Law
from .line_clock import LineClock
from .state import law_layout, state_layout

__all__ = ["STATS", "CongestionControl"]

CROWD = 16  # links whose packets keep one of a peer without control waiting (decision Z7)
_ROUNDS = 3  # of the timer, for which the engine is slow after a long sample (decision K10)


class CongestionControl(wiring.Component):
    """Line clock, gate, law and backlog; the engine's random bits.

    Members
    -------
    i_done, i_sent_id, i_row, o_free, i_inspect, o_inspected, o_law, o_ready, stat_* :
        See `law`.
    i_visit, o_visit : stream of lid
        See `gate`.
    i_beat : In(1)
        A beat comes from the MAC.
    i_round : In(1)
        See `link.timer`.
    i_seed : In(32)
        Makes the random bits of two engines differ; looked at in the first clock after reset.
    o_slow, o_coin, o_crowded : Out(1)
        A sample was long in the last rounds of the timer; a random bit (K13); `CROWD` links or more
        are counted (Z7).
    o_code : Out(8)
        See `backlog`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    """

    def __init__(self, config):
        self._config = config
        lid = config.lid_bits
        super().__init__(
            {
                "i_done": In(event_signature(committed_layout(config))),
                "i_sent_id": In(config.count_bits),
                "i_row": In(config.row_bits),
                "o_free": Out(config.WAYS),
                "i_inspect": In(event_signature(lid)),
                "o_inspected": Out(event_signature(state_layout(config))),
                "i_visit": In(stream.Signature(lid)),
                "o_visit": Out(stream.Signature(lid)),
                "i_beat": In(1),
                "i_round": In(1),
                "i_seed": In(32),
                "o_slow": Out(1),
                "o_coin": Out(1),
                "o_crowded": Out(1),
                "o_code": Out(8),
                "o_ready": Out(1),
                "o_law": Out(event_signature(law_layout(config))),
                "o_errors": Out(ERRORS),
                **{name: Out(1) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.clock = clock = LineClock(config)
        m.submodules.law = self.law = law = Law(config)
        m.submodules.backlog = self.backlog = backlog = Backlog(config)
        m.submodules.gate = self.gate = gate = Gate(config)
        report(m, config.protect, self.o_errors, law.o_errors, gate.o_errors)
        wiring.connect(m, wiring.flipped(self.i_done), law.i_done)
        wiring.connect(m, law.o_law, wiring.flipped(self.o_law))
        wiring.connect(m, wiring.flipped(self.i_inspect), law.i_inspect)
        wiring.connect(m, law.o_inspected, wiring.flipped(self.o_inspected))
        wiring.connect(m, wiring.flipped(self.i_visit), gate.i_visit)
        wiring.connect(m, gate.o_visit, wiring.flipped(self.o_visit))
        random = self._random(m)
        rounds = Signal(range(_ROUNDS + 1))
        with m.If(law.o_long):
            m.d.sync += rounds.eq(_ROUNDS)
        with m.Elif(self.i_round & (rounds != 0)):
            m.d.sync += rounds.eq(rounds - 1)
        m.d.comb += [
            law.i_sent_id.eq(self.i_sent_id),
            law.i_row.eq(self.i_row),
            law.i_now.eq(clock.o_now),
            law.i_limit.eq(backlog.o_limit),
            law.i_gate.eq(gate.o_index),
            gate.i_state.eq(law.o_gate),
            gate.i_now.eq(clock.o_now),
            backlog.i_links.eq(law.o_links),
            backlog.i_packet.eq(law.o_packet),
            backlog.i_new_gap.eq(law.o_new_gap),
            backlog.i_beat.eq(self.i_beat),
            backlog.i_look.eq(clock.o_look),
            backlog.i_random.eq(random),
            self.o_free.eq(law.o_free),
            self.o_slow.eq(rounds != 0),
            self.o_coin.eq(random[0]),
            self.o_crowded.eq(law.o_links >= CROWD),
            self.o_code.eq(backlog.o_code),
            self.o_ready.eq(law.o_ready),
            *(getattr(self, name).eq(getattr(law, name)) for name in STATS),
        ]
        return m

    def _random(self, m):
        """A shift register whose 2^24 - 1 states are all different from 0 (taps 24, 23, 22, 17)."""
        state, started = Signal(24, init=1), Signal()
        m.d.sync += [
            started.eq(1),
            state.eq(Cat(state[23] ^ state[22] ^ state[21] ^ state[16], state[:23])),
        ]
        with m.If(~started):
            m.d.sync += state.eq(self.i_seed[:24] | 1)
        return state[:16]
