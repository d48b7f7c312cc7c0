"""`ControlQueue`: control frames that wait for the wire.

Source: section 1.2 of the protocol (frames without payload); the queue is ours.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import control_frame_layout
from ..memory.protected import ERRORS, errors_of, protected_memory, report

__all__ = ["ControlQueue"]


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
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, depth = self._config, self._config.control_depth
        m.submodules.frames = frames = protected_memory(
            config.protect, shape=control_frame_layout(config), depth=depth, init=[]
        )
        write, read = frames.write_port(), frames.read_port(domain="comb")
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
            write.data.eq(self.i.payload),
            read.addr.eq(head),
            self.o.payload.eq(read.data),
        ]
        m.d.sync += [
            tail.eq(tail + push),
            self.o.valid.eq(push | Mux(pop, tail != behind_head, tail != head)),
        ]
        with m.If(pop):
            m.d.sync += head.eq(behind_head)
        report(m, config.protect, self.o_errors, errors_of(read, pop))
        return m
