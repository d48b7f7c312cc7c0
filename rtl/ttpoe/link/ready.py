"""Ready queues: which links have something to send, one queue per VC (protocol sections 1.3, 5.2).

A link with something to do (data to send, a CLOSE that is due, acknowledged slots to free) sits in
the queue of its VC exactly once; its tag's `queued` bit says so. Each visit does one thing and puts
the link back if there is more, so links share the wire packet by packet. One mechanism serves new
data, data that waited for OPEN, and go-back-N. A payload of the host sends what waits longest, too
(decision D8).
"""

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import event_signature
from ..memory.protected import ERRORS, BlockFifo, errors_of, protected_fifo, report

__all__ = ["ReadyQueues", "push_layout"]


def push_layout(config):
    """A link joins the ready queue of its VC."""
    return data.StructLayout({"lid": config.lid_bits, "vc": 2})


class ReadyQueues(wiring.Component):
    """One queue of link numbers per VC, each with room for every link.

    Members
    -------
    i_push : In(event of push)
        A link joins the queue of its VC. Never overflows: a link is in it once at most.
    o_visit : Out(stream of lid), one for each VC
        The link at the front, two clocks after the push into an empty queue.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_push": In(event_signature(push_layout(config))),
                "o_visit": Out(stream.Signature(config.lid_bits)).array(config.VCS),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._config.links // self._config.vc_tables
        protect, queues = self._config.protect, []
        for vc in range(self._config.VCS):
            queue = protected_fifo(protect, BlockFifo, width=self._config.lid_bits, depth=depth)
            queues.append(queue)
            m.submodules[f"queue{vc}"] = queue
            o_visit = self.o_visit[vc]
            m.d.comb += [
                queue.w_data.eq(self.i_push.payload.lid),
                queue.w_en.eq(self.i_push.valid & (self.i_push.payload.vc == vc)),
                o_visit.payload.eq(queue.r_data),
                o_visit.valid.eq(queue.r_rdy),
                queue.r_en.eq(o_visit.ready),
            ]
        report(m, protect, self.o_errors, *map(errors_of, queues))
        return m
