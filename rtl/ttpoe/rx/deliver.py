"""Verdicts carried out: payloads go to the host of their VC, or their slots are freed.

Source: section 7, section 1.3 (urgency with a bound), design rules 1 and 10.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature, host_rx_layout, rx_verdict_layout
from ..memory.protected import ERRORS, report
from ..protocol import VC_ORDER
from ..stream.arbiter import UrgencyArbiter
from .memory import beat_port, count_port
from .pool import freed_layout
from .reader import VcReader

__all__ = ["Deliver"]


class Deliver(wiring.Component):
    """Three readers, one per VC, that share the receive memory's read port beat by beat.

    Members
    -------
    i_verdict : In(event_signature(rx_verdict_layout))
        What becomes of a slot; one per clock, cannot wait.
    beat : Out(beat_port), count : Out(count_port)
        The read ports of `RxMemory`.
    o_host : Out(stream.Signature(host_rx_layout)), one for each VC
        The payloads of each VC, in the order of their verdicts. `valid` never waits for `ready`.
    o_dropped, o_delivered : Out(event_signature(freed_layout))
        The slot is free: one clock after a verdict "drop"; one clock after the memory has read a
        slot's last beat. From registers.
    stat_rx_delivered : Out(1)
        A payload was read whole, on its way to the host: with `o_delivered`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: verdict in clock n, first beat at the host in clock n + 3 if nothing else is read: while
    no reader asks, the verdict's slot goes straight into the address register. After that one beat
    per clock, shared. The most urgent VC (1, then 0, then 2) has three
    beats in four; a VC whose host takes beats waits at most 12 beats for each (see
    `UrgencyArbiter`). A VC whose host stalls asks for nothing and delays nobody.

    Reset: no verdict is waiting and no beat is on its way.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_verdict": In(event_signature(rx_verdict_layout(config))),
                "beat": Out(beat_port(config)),
                "count": Out(count_port(config)),
                "o_dropped": Out(event_signature(freed_layout(config))),
                "o_delivered": Out(event_signature(freed_layout(config))),
                "stat_rx_delivered": Out(1),
                "o_errors": Out(ERRORS),
                "o_host": Out(stream.Signature(host_rx_layout(config))).array(config.VCS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        readers = []
        for vc in range(config.VCS):
            m.submodules[f"reader_{vc}"] = reader = VcReader(config)
            wiring.connect(m, reader.o_host, wiring.flipped(self.o_host[vc]))
            readers.append(reader)
        report(m, config.protect, self.o_errors, *(reader.o_errors for reader in readers))
        self._take_verdict(m, readers)
        self._read(m, [readers[vc] for vc in VC_ORDER])
        return m

    def _take_verdict(self, m, readers):
        # The number of beats is looked up, and known in the next clock.
        verdict, last_verdict = self.i_verdict, Signal(rx_verdict_layout(self._config))
        verdict_taken = Signal()
        m.d.comb += [
            self.count.addr.eq(verdict.p.slot),
            self.count.en.eq(1),
            self.count.used.eq(verdict_taken),
        ]
        m.d.sync += [verdict_taken.eq(verdict.valid), last_verdict.eq(verdict.payload)]
        for vc, reader in enumerate(readers):
            m.d.comb += [
                reader.i_arrives.valid.eq(verdict.valid & verdict.p.deliver & (verdict.p.vc == vc)),
                reader.i_arrives.p.slot.eq(verdict.p.slot),
                reader.i_arrives.p.kept.eq(verdict.p.kept),
                reader.i_count.eq(self.count.data),
            ]
        m.d.comb += [
            self.o_dropped.valid.eq(verdict_taken & ~last_verdict.deliver),
            self.o_dropped.p.slot.eq(last_verdict.slot),
            self.o_dropped.p.vc.eq(last_verdict.vc),
            self.o_dropped.p.kept.eq(last_verdict.kept),
        ]

    def _read(self, m, readers):
        """`readers` from the most to the least urgent."""
        m.submodules.arbiter = arbiter = UrgencyArbiter(len(readers))
        reads = Signal(len(readers))  # whose beat is read: its address is in the register
        at_once = Signal()  # ... which is a first one that was read at once
        last, kept = Signal(), Signal()
        for n, reader in enumerate(readers):
            m.d.comb += [
                arbiter.requests[n].eq(reader.request),
                reader.grant.eq(arbiter.grant[n]),
                # While nobody asks, a payload is read in the very clock of its verdict.
                reader.at_once.eq(reader.i_arrives.valid & reader.free & ~arbiter.requests.any()),
            ]
        m.d.comb += arbiter.advance.eq(arbiter.requests.any())

        def chosen(name, otherwise):
            """`name` of the reader that is granted, or `otherwise`; AND-OR: a long path."""
            values = [getattr(reader, name) for reader in readers]
            values.append(otherwise)
            choices = [*arbiter.grant, ~arbiter.requests.any()]
            return reduce(
                or_,
                (value & choice.replicate(len(value)) for value, choice in zip(values, choices)),
            )

        verdict = self.i_verdict.p
        read = Cat((reader.grant & ~reader.surplus) | reader.at_once for reader in readers)
        m.d.sync += [
            self.beat.addr.slot.eq(chosen("slot", verdict.slot)),
            self.beat.addr.beat.eq(chosen("beat", Const(0, 1))),
            self.beat.en.eq(read.any()),
            reads.eq(read),
            last.eq(chosen("last", Const(0, 1))),
            kept.eq(chosen("kept", verdict.kept)),
            at_once.eq(Cat(reader.at_once for reader in readers).any()),
        ]
        single = self.count.data.short & ~self.count.data.last_beat[0]
        self._pass_on(m, readers, reads, last | (at_once & single), kept)

    def _pass_on(self, m, readers, reads, last, kept):
        """A beat that is read in this clock comes to its reader in the next one."""
        came, was_last = Signal(len(readers)), Signal()
        m.d.sync += [
            came.eq(reads),
            was_last.eq(last),
            self.o_delivered.p.slot.eq(self.beat.addr.slot),
            self.o_delivered.p.kept.eq(kept),
        ]
        for n, reader in enumerate(readers):
            m.d.comb += [
                reader.i_beat.valid.eq(came[n]),
                reader.i_beat.p.data.eq(self.beat.data.data),
                reader.i_beat.p.info.eq(self.beat.data.info),
                reader.i_beat.p.last.eq(was_last),
            ]
            with m.If(reads[n]):
                m.d.sync += self.o_delivered.p.vc.eq(VC_ORDER[n])
        m.d.comb += [
            self.beat.used.eq(came.any()),
            self.o_delivered.valid.eq(was_last),
            self.stat_rx_delivered.eq(was_last),
        ]
