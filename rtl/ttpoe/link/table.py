"""The link table: one tag per link, sets x 2 ways, in block RAM.

Source: the protocol's section 5.1 (256 sets x 2 ways per VC, index from the peer's MAC).

A tag holds the state of one link and the ends of its list of replay slots. IDs are kept as one
32-bit number and counts relative to it, so that an ACK costs one subtraction: the oldest
unacknowledged ID is `una`; `alloc` slots from there on are the link's, the first `sent` of them
have been sent at least once, and the next to be sent is number `current`.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..memory.protected import COLLISION_UNDEFINED, ERRORS, errors_of, protected_memory, report
from .fsm import LinkState

__all__ = ["tag_layout", "link_row", "LinkTable"]


def tag_layout(config):
    """The tag of one link. CLOSED (all zero after reset) = free.

    Only `queued`, `purging`, `lag` (0) and `touch` mean something in a free tag; no other field is
    looked at.
    """
    return data.StructLayout({
        "state": LinkState,
        "node": 24,                      # the peer
        "vc": 2,
        "ieee": 1,                       # the link's EtherType is 0x9AC6
        "selective": 1,                  # selective replay was agreed (section 5.3)
        # our data
        "una": 32,                       # oldest unacknowledged ID
        "alloc": config.count_bits,      # payloads not yet acknowledged, sent or not
        "sent": config.count_bits,       # of these, sent at least once
        "current": config.count_bits,    # position of the next one to be sent
        "oldest_at": config.count_bits,  # `sent` when the oldest went out last, or became it (R12)
        "lag": config.count_bits,        # acknowledged slots in front of these in the list
        "head": config.slot_bits,        # oldest slot (retire)
        "next": config.slot_bits,        # slot of `current`, if that is neither 0 nor `alloc`
        "tail": config.slot_bits,        # youngest slot (alloc)
        "held": 1,                       # NACK_FULL: wait for the timer
        # the peer's data
        "received": 32,                  # last in-order ID
        "gap": 1,                        # a gap is open and was NACKed
        "seen": 32,                      # last ID seen behind the gap; on a selective link the
                                         # youngest one noted, `received` while no gap is open
        "kept": ceil_log2(config.reorder_slots) + 1,   # packets kept behind the gap
        "looking": 1,                    # a look-up for kept packets is under way
        # epochs (section 6)
        "epoch": 16,                     # ours
        "peer_epoch": 16,
        "heard": 1,                      # an OPEN of the peer came while ours was under way
        # closing
        "close_due": 1,                  # a CLOSE is to be sent at the next visit
        "close_nacked": 1,               # the peer answered our CLOSE with CLOSE_NACK
        "end_known": 1,                  # the peer declared its last ID: `end`
        "end_ahead": 1,                  # ... and it has not been received yet
        "end": 32,
        # housekeeping
        "timer": 1,                      # set by the link timer, cleared by progress
        "retries": 10,                   # time-outs in a row
        "queued": 1,                     # the link is in its ready queue (survives a close)
        "purging": 1,                    # packets that the last link here kept are still being
                                         # freed (survives a close)
        "touch": 1,                      # the ways' touch bits differ if way 1 was used last
    })


def link_row(config, node, vc):
    """Row of the table for the link to `node` on `vc` (section 5.1).

    Tesla's hash of the MAC, folded to the number of sets. With a table per VC the VC is the upper
    part of the row; with one table it is mixed in, so that a peer's VCs do not share a set.
    """
    bits = ceil_log2(config.sets)
    low, middle, high = node[0:8], node[8:16], node[16:24]
    hash_8 = low ^ Cat(*reversed([middle[i] for i in range(8)])) ^ high
    if bits <= 8:
        index = 0
        for start in range(0, 8, bits):
            index = index ^ hash_8[start:min(start + bits, 8)]
    else:
        index = Cat(hash_8, middle, high)[:bits]
    if config.vc_tables == 3:
        return Cat(index[:bits], vc)
    return (index ^ vc)[:bits]


class LinkTable(wiring.Component):
    """Tag memory of both ways, with a sweep that frees every tag after reset.

    Members
    -------
    i_row : In(row_bits)
        Row to be read, presented in Q0.
    o_tags : Out(2 tags)
        Tags of both ways of that row, one clock later (Q1). Undefined if the row is written in the
        same clock: the pipeline forwards those.
    i_write_en, i_write_row, i_write_way, i_write_tag : In
        Write port, used by Q3. The tag must be all zero until `o_ready`: it is what the sweep
        writes.
    i_used : In(2)
        For each way: its tag on `o_tags` in this clock counts (for `o_errors`).
    o_ready : Out(1)
        High once the sweep is done: `config.rows` clocks after reset. No event may enter before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    """

    def __init__(self, config):
        self._config = config
        tag = tag_layout(config)
        super().__init__({
            "i_row": In(config.row_bits),
            "o_tags": Out(data.ArrayLayout(tag, config.WAYS)),
            "i_write_en": In(1),
            "i_write_row": In(config.row_bits),
            "i_write_way": In(1),
            "i_write_tag": In(tag),
            "i_used": In(config.WAYS),
            "o_ready": Out(1),
            "o_errors": Out(ERRORS),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        swept = Signal()
        sweep = Signal(config.row_bits)
        m.d.comb += self.o_ready.eq(swept)
        with m.If(~swept):
            m.d.sync += [sweep.eq(sweep + 1), swept.eq(sweep == config.rows - 1)]

        errors = []
        for way in range(config.WAYS):
            tags = protected_memory(config.protect, shape=len(self.i_write_tag.as_value()),
                                    depth=config.rows, init=[], attrs=COLLISION_UNDEFINED)
            m.submodules[f"way{way}"] = tags
            write = tags.write_port()
            read = tags.read_port()
            m.d.comb += [
                read.addr.eq(self.i_row),
                read.en.eq(1),
                self.o_tags[way].as_value().eq(read.data),
                write.addr.eq(Mux(swept, self.i_write_row, sweep)),
                write.data.eq(self.i_write_tag),
                write.en.eq(~swept | (self.i_write_en & (self.i_write_way == way))),
            ]
            errors.append(errors_of(read, self.i_used[way]))
        report(m, config.protect, self.o_errors, *errors)
        return m
