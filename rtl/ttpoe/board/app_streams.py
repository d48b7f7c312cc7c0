"""What the applications of a board have in common: their streams, and their echo. Wires only."""

from amaranth.hdl import Mux
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from ..layouts import host_rx_layout, host_tx_layout

__all__ = ["VCS", "bytes_of", "sent_back", "streams"]

VCS = 3


def streams(config):
    """Members `i` and `o` of an application."""
    return {
        "i": In(stream.Signature(host_rx_layout(config))).array(VCS),
        "o": Out(stream.Signature(host_tx_layout(config))).array(VCS),
    }


def sent_back(m, arrived, sent):
    """What arrives goes back to where it came from; wires."""
    m.d.comb += [
        *(getattr(sent.p, name).eq(getattr(arrived.p, name)) for name in ("data", "keep", "last")),
        sent.p.node.eq(arrived.p.node),
        sent.valid.eq(arrived.valid),
        arrived.ready.eq(sent.ready),
    ]


def bytes_of(keep):
    """Length of a beat: `keep` is a run of ones from lane 0."""
    ends = [bit & ~above for bit, above in zip(keep, [*keep[1:], 0])]
    return sum((Mux(end, lane + 1, 0) for lane, end in enumerate(ends)), start=0)
