"""Streams of LiteX: their layouts, and LiteEth's `last_be` for `keep` and back.

Source: section 7 of the protocol (host streams), section 8 (MAC); `eth_phy_description` of
liteeth.common, where `last_be` has one bit for each byte, set in the frame's last byte and nowhere
else.
"""

from functools import reduce
from operator import or_

from liteeth.common import eth_phy_description
from litex.gen import LiteXModule
from litex.soc.interconnect.stream import Endpoint, EndpointDescription
from migen import If, Replicate, Signal
from migen.fhdl.module import _ModuleComb, _ModuleSync

__all__ = ["FromLiteEth", "ToLiteEth", "frame_description", "host_rx_description"]
__all__ += ["host_tx_description", "mark_last_byte"]


def host_tx_description(config):
    """Payloads to send: `data`, `keep`; `node`, which they go to, holds for all of a payload."""
    return EndpointDescription(_bytes(config), [("node", 24)])


def host_rx_description(config):
    """Payloads received: `data`, `keep`; `node`, which they came from, and `id` of the packet."""
    return EndpointDescription(_bytes(config), [("node", 24), ("id", 32)])


def frame_description(config):
    """Frames without FCS: `data`, `keep`; `error` counts with `last`: the frame is bad."""
    return EndpointDescription([*_bytes(config), ("error", 1)])


def _bytes(config):
    return [("data", config.width_bits), ("keep", config.width_bytes)]


def mark_last_byte(phy):
    """Give the last byte of a PHY of 8 bits its `last_be`. Call it once, before the MAC is built.

    These PHYs only drive `last`. `LiteEthMACCore` (2024.12) checks the FCS of bytes that come from
    them where `last_be` says that the frame ends: without it no FCS is ever found wrong.
    """
    if phy.dw != 8:
        raise ValueError(f"a PHY of {phy.dw} bits drives last_be itself")
    phy.comb += phy.source.last_be.eq(phy.source.last)


class FromLiteEth(LiteXModule):
    """Frames of LiteEth as frames with `keep`. No clock of its own but for the memory of errors.

    Members
    -------
    sink : Endpoint(eth_phy_description)
        An `error` of any byte, in any beat, spoils its frame.
    source : Endpoint(frame_description)
    """

    # For pyright; Migen makes them.
    comb: _ModuleComb
    sync: _ModuleSync

    def __init__(self, config):
        self.sink = sink = Endpoint(eth_phy_description(config.width_bits))
        self.source = source = Endpoint(frame_description(config))
        width = config.width_bytes
        spoilt, error = Signal(), Signal()
        # A byte counts if it is the marked one, or if one above it is marked.
        counts = [reduce(or_, (sink.last_be[bit] for bit in range(n, width))) for n in range(width)]
        self.comb += [
            error.eq(spoilt | (sink.error != 0)),
            source.valid.eq(sink.valid),
            sink.ready.eq(source.ready),
            source.data.eq(sink.data),
            source.last.eq(sink.last),
            source.error.eq(error),
            [source.keep[n].eq(~sink.last | counts[n]) for n in range(width)],
        ]
        self.sync += If(sink.valid & sink.ready, spoilt.eq(error & ~sink.last))


class ToLiteEth(LiteXModule):
    """Frames with `keep` as LiteEth takes them. Wires only.

    Members
    -------
    sink : Endpoint(frame_description)
    source : Endpoint(eth_phy_description)
    """

    comb: _ModuleComb  # for pyright; Migen makes it

    def __init__(self, config):
        self.sink = sink = Endpoint(frame_description(config))
        self.source = source = Endpoint(eth_phy_description(config.width_bits))
        self.comb += [
            source.valid.eq(sink.valid),
            sink.ready.eq(source.ready),
            source.data.eq(sink.data),
            source.last.eq(sink.last),
            source.last_be.eq(
                sink.keep & ~(sink.keep >> 1) & Replicate(sink.last, config.width_bytes)
            ),
            source.error.eq(Replicate(sink.error & sink.last, config.width_bytes)),
        ]
