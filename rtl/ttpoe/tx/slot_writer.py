"""`SlotWriter`: payloads of the host go into replay slots while they arrive.

Source: sections 5.2 (slots, physical backpressure) and 7 (host side) of the protocol.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import (
    HostResult,
    event_signature,
    host_event_layout,
    host_result_layout,
    host_tx_layout,
    slot_write_layout,
)
from ..protocol import VC_ORDER
from ..stream.arbiter import UrgencyArbiter
from .host_port import HostPort

__all__ = ["SlotWriter", "STATS"]

STATS = {
    "stat_tx_oversize": "a host packet of more than 1024 bytes was swallowed",
    "stat_tx_empty": "a host packet without a byte was swallowed",
    "stat_tx_refused": "a host packet was refused because its link is closing",
}


def run_length(keep):
    """How many lanes of `keep` are set, given that they are a run from lane 0."""
    if len(keep) == 1:
        return keep
    half = len(keep) // 2
    return Mux(keep[half - 1], half + run_length(keep[half:]), run_length(keep[:half]))


class SlotWriter(wiring.Component):
    """Takes packets from the host, beat by beat, and raises an event per packet.

    The window is the free slots and nothing else. A port takes a slot with the first beat of a
    packet; without a free one its `ready` stays low and nothing is lost; one freed slot admits
    one packet.

    Members
    -------
    i_host : streams of `host_tx_layout`, one for each VC
        Packets. `keep` is a run from lane 0, all ones unless `last`. A last beat with keep
        0 ends the packet at the bytes before it.
    i_slot : stream of slot_bits
        Free slots, from `SlotLists`.
    o_write : event `slot_write_layout`
        Beats for `ReplayMemory`. `last` comes with the packet's last beat, and with beat
        `slot_beats` - 1 in any case (an empty beat may follow it and has nothing to write).
    o_event : streams of `host_event_layout`, one for each VC
        A whole packet lies in `slot`. The slot is the link's from here on.
    i_result : event `host_result_layout`
        What became of the event that Q0 took last from this VC. TAKEN, REFUSED (Q3 frees the
        slot): done. BLOCKED: the same event is raised again after an `i_retry`; pulses from
        the clock in which Q0 took it count, however late the result comes.
    i_retry : In(1)
        One clock: a link's window has moved, or a tag was freed, for an event raised from now on.
    stat_* : Out(1)
        One-clock pulses, see `STATS`; one clock after the beat or the result.

    A packet of more than 1024 bytes is swallowed whole and its slot kept for the port's next
    packet; an empty one is swallowed, too, and takes no slot.

    Timing
    ------
    `ready` is a register: a beat is taken at the earliest in the clock after the one in which it
    was offered first, further beats of its packet in every clock, and the next packet's first
    beat two clocks behind the last one. One beat per clock for the three ports together; ports
    that can go on share it clock by clock in the order VC 1, 0, 2, each within 12 clocks
    (`UrgencyArbiter`); a clock is lost if the one whose turn it is pauses. Last beat taken in
    clock 0: `o_write` and `o_event.valid` in clock 1, in memory in clock 2. At most one event
    per VC is outstanding; one more packet may be completed meanwhile, a third waits at the port.

    Reset: no packet, no slot held, no event.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_host": In(stream.Signature(host_tx_layout(config))).array(config.VCS),
                "o_event": Out(stream.Signature(host_event_layout(config))).array(config.VCS),
                "i_slot": In(stream.Signature(config.slot_bits)),
                "o_write": Out(event_signature(slot_write_layout(config))),
                "i_result": In(event_signature(host_result_layout)),
                "i_retry": In(1),
                **{name: Out(1) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.arbiter = arbiter = UrgencyArbiter(config.VCS)
        ports = []
        ready = Signal(config.VCS)  # by urgency; one at most
        slot_free = Signal()
        for rank, vc in enumerate(VC_ORDER):
            host, event = self.i_host[vc], self.o_event[vc]
            port = HostPort(config, vc)
            m.submodules[f"port{vc}"] = port
            wiring.connect(m, wiring.flipped(event), port.o_event)
            m.d.comb += [
                port.i_valid.eq(host.valid),
                port.i_last.eq(host.payload.last),
                port.i_no_bytes.eq(host.payload.last & ~host.payload.keep[0]),
                port.i_node.eq(host.payload.node),
                port.i_slot_valid.eq(slot_free),
                port.i_slot.eq(self.i_slot.payload),
                port.i_result.valid.eq(self.i_result.valid),
                port.i_result.payload.eq(self.i_result.payload),
                port.i_retry.eq(self.i_retry),
                arbiter.requests[rank].eq(port.o_request),
                port.i_ready.eq(ready[rank]),
                host.ready.eq(ready[rank]),
            ]
            ports.append((host, port))
        taking = Cat(port.o_needs_slot for _, port in ports) & ready
        goes_on = Cat(port.o_goes_on for _, port in ports) & ready
        wanted = arbiter.requests.any()
        m.d.comb += [slot_free.eq(self.i_slot.valid & ~taking.any()), arbiter.advance.eq(wanted)]
        # Nobody asks: who is in the middle of a packet need not ask again.
        m.d.sync += ready.eq(Mux(wanted, arbiter.grant, goes_on))
        self._write(m, ready, ports)
        return m

    def _write(self, m, ready, ports):
        """The beat taken goes to memory through one register."""
        config = self._config

        def chosen(pick):
            """`pick(host, port)` of the port that is ready, by masks: `ready` is a register."""
            words = (Value.cast(pick(host, port)) for host, port in ports)
            return reduce(or_, (word & go.replicate(len(word)) for word, go in zip(words, ready)))

        def told(pick):
            """Whether a beat is taken for which `pick(port)` is true."""
            return Cat(port.o_taken & pick(port) for _, port in ports).any()

        beat = Signal(config.beat_bits + 1)
        m.d.comb += [
            beat.eq(chosen(lambda host, port: port.o_beat)),
            self.i_slot.ready.eq(told(lambda port: port.o_take_slot)),
        ]

        taken = Signal(slot_write_layout(config))
        keep = Signal(config.width_bytes)
        m.d.sync += [
            self.o_write.valid.eq(told(lambda port: port.o_write)),
            taken.slot.eq(chosen(lambda host, port: port.o_slot)),
            taken.beat.eq(beat),
            taken.data.eq(chosen(lambda host, port: host.payload.data)),
            taken.last.eq(
                chosen(lambda host, port: host.payload.last) | (beat == config.slot_beats - 1)
            ),
            keep.eq(chosen(lambda host, port: host.payload.keep)),
            self.stat_tx_oversize.eq(told(lambda port: port.o_oversize)),
            self.stat_tx_empty.eq(told(lambda port: port.o_empty)),
            self.stat_tx_refused.eq(
                self.i_result.valid & (self.i_result.payload.result == HostResult.REFUSED)
            ),
        ]
        m.d.comb += [
            self.o_write.payload.eq(taken),
            self.o_write.payload.length_bytes.eq(
                (taken.beat << ceil_log2(config.width_bytes)) + run_length(keep)
            ),
        ]
