"""`ControlQueue`: control frames that wait for the wire.

Source: section 1.2 of the protocol (frames without payload); the queue is ours.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import control_frame_layout
from ..memory.protected import ERRORS, errors_of, protected_memory, report

__all__ = ["ControlQueue"]


_DATAGRAM = {"i_checksum": In(16), "i_far": In(1), "o_checksum": Out(16), "o_far": Out(1)}


def _entry_layout(config):
    frame = control_frame_layout(config)
    return data.StructLayout({"frame": frame, "checksum": 16, "far": 1}) if config.ipv4 else frame


class ControlQueue(wiring.Component):
    """A queue of `control_depth` frames in LUT RAM, whose `o.valid` is a register.

    A FIFO that derives it from a level would put an adder behind whatever takes the frames, and
    that comes late: it is the start of a frame on the wire.

    Members
    -------
    i : stream of `control_frame_layout`
        `ready` is low only when the queue is full.
    o : stream of `control_frame_layout`
        The oldest one, a clock after it came if the queue was empty.
    i_checksum : In(16), i_far : In(1), o_checksum : Out(16), o_far : Out(1)
        With `Config.ipv4`: the IPv4 header's checksum, and whether the frame goes to the router; of
        the frame on `i`, and of the one on `o`.
    o_errors : Out(ERRORS)
        What the memory in here found, see `ttpoe.memory.protected`.

    Timing: one frame in and one out per clock. Reset: empty.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(control_frame_layout(config))),
                "o": Out(stream.Signature(control_frame_layout(config))),
                "o_errors": Out(ERRORS),
                **(_DATAGRAM if config.ipv4 else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, depth = self._config, self._config.control_depth
        m.submodules.frames = frames = protected_memory(
            config.protect, shape=_entry_layout(config), depth=depth, init=[]
        )
        write, read = frames.write_port(), frames.read_port(domain="comb")
        stored, shown = write.data, read.data
        if config.ipv4:
            stored, shown = stored.frame, shown.frame
        # One bit more than an index: equal pointers are an empty queue.
        head, behind_head, tail = (
            Signal(ceil_log2(depth) + 1, name=name) for name in ("head", "behind_head", "tail")
        )
        push, pop = Signal(), Signal()
        m.d.comb += [
            behind_head.eq(head + 1),
            self.i.ready.eq((head ^ tail) != depth),
            push.eq(self.i.valid & self.i.ready),
            pop.eq(self.o.valid & self.o.ready),
            write.en.eq(push),
            write.addr.eq(tail),
            stored.eq(self.i.payload),
            read.addr.eq(head),
            self.o.payload.eq(shown),
        ]
        m.d.sync += [
            tail.eq(tail + push),
            self.o.valid.eq(push | Mux(pop, tail != behind_head, tail != head)),
        ]
        with m.If(pop):
            m.d.sync += head.eq(behind_head)
        report(m, config.protect, self.o_errors, errors_of(read, pop))
        if config.ipv4:
            m.d.comb += [
                write.data.checksum.eq(self.i_checksum),
                write.data.far.eq(self.i_far),
                self.o_checksum.eq(read.data.checksum),
                self.o_far.eq(read.data.far),
            ]
        return m
