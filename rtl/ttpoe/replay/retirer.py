"""Slots that one ACK retired in a row are freed in the background, many with one event.

Source: protocol section 5.2, claim S10.
"""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from .lists import successor_port

__all__ = ["RUN", "RUN_BITS", "Retirer", "lag_layout", "retire_layout"]

RUN = 16
"""Slots of a run at most. While it is walked along its slots are not freed one by one."""

RUN_BITS = RUN.bit_length()


def lag_layout(config):
    """`count` slots of a link, from `head` on, are acknowledged and wait to be freed."""
    return data.StructLayout(
        {"lid": config.lid_bits, "count": config.count_bits, "head": config.slot_bits}
    )


def retire_layout(config):
    """A RETIRE: the run of `count` slots at the head of the link's list, `slot` is the last."""
    return data.StructLayout({"lid": config.lid_bits, "slot": config.slot_bits, "count": RUN_BITS})


class Retirer(wiring.Component):
    """Frees the slots that one ACK retired beyond the first, in runs.

    An ACK of k packets moves the window at once and frees one slot. This block walks along the
    others, 16 at most, to find where the run ends; one RETIRE then frees them all. It serves one
    link at a time; what comes meanwhile is freed by visits (`link.ready`), one by one. While it
    walks, ACKs of that link free nothing, and what they leave is taken with `i_retired`.

    Members
    -------
    i_lag : In(event of lag)
        Slots of a link, at least one, wait to be freed. Taken only while idle, or with `i_retired`.
    o_retire : Out(stream of retire)
        A RETIRE: the run may be freed. If a walk stands within 16 slots of its head, or the link
        has ended, it does nothing.
    i_retired : In(1)
        It has left Q3; `i_lag` in the same clock is of the same event.
    o_walks : Out(event of lid)
        From the clock after `i_lag` until `i_retired`: the link whose slots are walked along. No
        other event may free them one by one; if the whole link ends, RETIRE does nothing.
    o_passed : Out(event of slot)
        Each slot of the run, when it has been passed: its PAYLOAD is acknowledged, and goes out no
        more. The last one comes with the RETIRE.
    successor : Out(successor_port)
        Reads the list memory (`replay.lists`).
    i_walk : In(1)
        The list memory is read by somebody else in this clock: the walk waits.

    Timing: undisturbed, RETIRE 2n + 1 clocks after `i_lag` for a run of n slots.

    Reset: idle.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_lag": In(event_signature(lag_layout(config))),
                "o_retire": Out(stream.Signature(retire_layout(config))),
                "i_retired": In(1),
                "o_walks": Out(event_signature(config.lid_bits)),
                "o_passed": Out(event_signature(config.slot_bits)),
                "successor": Out(successor_port(config)),
                "i_walk": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        retire, lag = self.o_retire, self.i_lag.payload
        left = Signal(range(RUN))  # slots of the run behind this one
        count = Mux(lag.count >= RUN, RUN, lag.count[:RUN_BITS])
        m.d.comb += [self.o_walks.payload.eq(retire.p.lid), self.successor.addr.eq(retire.p.slot)]

        m.d.sync += [self.o_passed.valid.eq(0), self.o_passed.payload.eq(retire.p.slot)]

        def begin():
            m.d.sync += [
                self.o_walks.valid.eq(self.i_lag.valid),
                retire.p.lid.eq(lag.lid),
                retire.p.slot.eq(lag.head),
                retire.p.count.eq(count),
                left.eq(count - 1),
            ]

        with m.FSM(name="retirer"):
            with m.State("IDLE"):
                begin()
                with m.If(self.i_lag.valid):
                    m.next = "PASS"
            with m.State("PASS"):
                m.d.comb += self.successor.en.eq(1)
                with m.If(~self.i_walk):
                    m.next = "HOP"
            with m.State("HOP"):
                m.next = "PASS"
                m.d.comb += self.successor.used.eq(left != 0)
                m.d.sync += [self.o_passed.valid.eq(1), left.eq(left - 1)]
                with m.If(left == 0):
                    m.d.sync += retire.valid.eq(1)
                    m.next = "RETIRE"
                with m.Else():
                    m.d.sync += retire.p.slot.eq(self.successor.data)
            with m.State("RETIRE"):
                with m.If(retire.ready):
                    m.d.sync += retire.valid.eq(0)
                with m.If(self.i_retired):
                    begin()
                    m.next = "IDLE"
                    with m.If(self.i_lag.valid):
                        m.next = "PASS"
        return m
