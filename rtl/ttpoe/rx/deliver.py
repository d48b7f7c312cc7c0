"""Verdicts carried out: payloads go to the host of their VC, or their slots are freed.

Source: section 7, section 1.3 (urgency with a bound), design rules 1 and 10.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Signal
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
        The slot is free: one clock after a verdict "drop"; one clock after a slot's last beat
        was read. From registers.
    stat_rx_delivered : Out(1)
        A payload was read whole, on its way to the host: with `o_delivered`.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: verdict in clock n, first beat at the host in clock n + 3 if nothing else is read;
    after that one beat per clock, shared. The most urgent VC (1, then 0, then 2) has three
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
        # One clock, in which the number of beats is looked up.
        verdict_taken = Signal()
        verdict = Signal(rx_verdict_layout(self._config))
        m.d.comb += [
            self.count.addr.eq(self.i_verdict.p.slot),
            self.count.en.eq(1),
            self.count.used.eq(verdict_taken),
        ]
        m.d.sync += [verdict_taken.eq(self.i_verdict.valid), verdict.eq(self.i_verdict.payload)]
        for vc, reader in enumerate(readers):
            m.d.comb += [
                reader.arrived.eq(verdict_taken & verdict.deliver & (verdict.vc == vc)),
                reader.arrived_slot.eq(verdict.slot),
                reader.arrived_kept.eq(verdict.kept),
                reader.arrived_count.eq(self.count.data),
            ]
        m.d.comb += [
            self.o_dropped.valid.eq(verdict_taken & ~verdict.deliver),
            self.o_dropped.p.slot.eq(verdict.slot),
            self.o_dropped.p.vc.eq(verdict.vc),
            self.o_dropped.p.kept.eq(verdict.kept),
        ]

    def _read(self, m, readers):
        """`readers` from the most to the least urgent."""
        m.submodules.arbiter = arbiter = UrgencyArbiter(len(readers))

        def granted(name):
            """`name` of the reader that is granted; AND-OR, since this is the longest path."""
            values = [getattr(reader, name) for reader in readers]
            return reduce(
                or_,
                (
                    value & grant.replicate(len(value))
                    for value, grant in zip(values, arbiter.grant)
                ),
            )

        last_read = Signal()
        m.d.comb += [
            self.beat.en.eq(arbiter.requests.any()),
            self.beat.addr.slot.eq(granted("slot")),
            self.beat.addr.beat.eq(granted("beat")),
            arbiter.advance.eq(self.beat.en),
        ]
        for n, reader in enumerate(readers):
            m.d.comb += [
                arbiter.requests[n].eq(reader.request),
                reader.grant.eq(arbiter.grant[n]),
                reader.i_beat.p.data.eq(self.beat.data.data),
                reader.i_beat.p.info.eq(self.beat.data.info),
                reader.i_beat.p.last.eq(last_read),
            ]
            m.d.sync += reader.i_beat.valid.eq(reader.grant)
            with m.If(arbiter.grant[n]):
                m.d.sync += self.o_delivered.p.vc.eq(VC_ORDER[n])
        m.d.sync += [
            last_read.eq(granted("last")),
            self.beat.used.eq(self.beat.en),
            self.o_delivered.p.slot.eq(self.beat.addr.slot),
            self.o_delivered.p.kept.eq(granted("kept")),
        ]
        m.d.comb += [self.o_delivered.valid.eq(last_read), self.stat_rx_delivered.eq(last_read)]
