"""The link table: one tag per link, sets x 2 ways, in block RAM; beside it each link's key.

Source: the protocol's section 5.1 (256 sets x 2 ways per VC, index from the peer's MAC).

A tag holds the state of one link and the ends of its list of replay slots. IDs are kept as one
32-bit number and counts relative to it, so that an ACK costs one subtraction: the oldest
unacknowledged ID is `una`; `alloc` slots from there on are the link's, the first `sent` of them
have been sent at least once, and the next to be sent is number `current`.

Which of the two links of a set an event means is decided by their keys alone. So the keys lie a
second time in a small memory that is read first, and the tags, ten times as long, are read two
clocks later. Then the tag that an older event left is in its memory already, and only of the keys
must what is on its way be forwarded.
"""

from amaranth import Cat, Const, Module, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..layouts import form_layout
from ..memory.forwarded import ForwardedMemory
from ..memory.protected import ERRORS, report, stored_bits
from ..memory.swept import SweptMemory
from .fsm import LinkState

__all__ = ["LinkTable", "key_layout", "link_row", "stored_tag", "tag_layout"]

key_layout = data.StructLayout({"state": LinkState, "node": 24, "vc": 2})
"""What of a tag says whose it is: of the fields of these names a copy."""


def tag_layout(config):
    """The tag of one link. CLOSED (all zero after reset) = free.

    Only `queued`, `purging`, `lag` (0) and `touch` mean something in a free tag; no other field is
    looked at.
    """
    return data.StructLayout(
        {
            "state": LinkState,
            "node": 24,  # the peer
            "vc": 2,
            "ieee": 1,  # the link's EtherType is 0x9AC6
            "selective": 1,  # selective replay was agreed (section 5.3)
            "controlled": 1,  # congestion control was agreed, or offered by our OPEN (section 11)
            # our data
            "una": 32,  # oldest unacknowledged ID
            "alloc": config.count_bits,  # payloads not yet acknowledged, sent or not
            "sent": config.count_bits,  # of these, sent at least once
            "current": config.count_bits,  # position of the next one to be sent
            "oldest_at": config.count_bits,  # `sent` when the oldest went out last, or became it (R12)
            "lag": config.count_bits,  # acknowledged slots in front of these in the list
            "head": config.slot_bits,  # oldest slot (retire)
            "next": config.slot_bits,  # slot of `current`, if that is neither 0 nor `alloc`
            "tail": config.slot_bits,  # youngest slot (alloc)
            "held": 1,  # NACK_FULL: wait for the timer
            # the peer's data
            "received": 32,  # last in-order ID
            "gap": 1,  # a gap is open and was NACKed
            "seen": 32,  # last ID seen behind the gap; on a selective link the
            # youngest one noted, `received` while no gap is open
            "kept": ceil_log2(config.reorder_slots) + 1,  # packets kept behind the gap
            "looking": 1,  # a look-up for kept packets is under way
            # epochs (section 6)
            "epoch": 16,  # ours
            "peer_epoch": 16,
            "heard": 1,  # an OPEN of the peer came while ours was under way
            # what `received` is worth, of a peer with epoch 0 (section 10.1)
            "fed": 1,  # it is the ID of a PAYLOAD accepted on this link
            "guessed": 1,  # it is cfg_init_id: the peer did not say where it stands
            "doubted": 1,  # an OPEN came that does not fit
            "asked": 1,  # NACK_NOLINK has asked it for an OPEN, which is believed
            # closing
            "close_due": 1,  # a CLOSE is to be sent at the next visit
            "close_nacked": 1,  # the peer answered our CLOSE with CLOSE_NACK
            "end_known": 1,  # the peer declared its last ID: `end`
            "end_ahead": 1,  # ... and it has not been received yet
            "end": 32,
            # housekeeping
            "timer": 1,  # set by the link timer, cleared by progress
            "retries": 10,  # time-outs in a row
            "queued": 1,  # the link is in its ready queue (survives a close)
            "purging": 1,  # packets that the last link here kept are still being
            # freed (survives a close)
            "touch": 1,  # the ways' touch bits differ if way 1 was used last
            **form_layout(config),  # the link's form
        }
    )


def stored_tag(config):
    """A tag as it lies in the table: with check bits a number, the tag its lowest bits."""
    tag = tag_layout(config)
    return tag if config.protect == "none" else unsigned(stored_bits(config.protect, tag.size))


def link_row(config, node, vc):
    """Row of the table for the link to `node` on `vc` (section 5.1).

    Tesla's hash of the MAC, folded to the number of sets. With a table per VC the VC is the upper
    part of the row; with one table it is mixed in, so that a peer's VCs do not share a set.
    """
    bits = ceil_log2(config.sets)
    low, middle, high = node[0:8], node[8:16], node[16:24]
    hash_8 = low ^ Cat(*reversed([middle[i] for i in range(8)])) ^ high
    if bits <= 8:
        index: Value = Const(0)
        for start in range(0, 8, bits):
            index = index ^ hash_8[start : min(start + bits, 8)]
    else:
        index = Cat(hash_8, middle, high)[:bits]
    if config.vc_tables == 3:
        return Cat(index[:bits], vc)
    return (index ^ vc)[:bits]


class LinkTable(wiring.Component):
    """The tags of all links; a row is a set, and holds one tag for each way.

    Members
    -------
    i_index : In(row)
        Clock 0 of an event: the row of its set. The distances of `memory.forwarded` hold.
    i_valid : In(1)
        Clock 1: there is an event (for `o_errors`).
    o_keys : Out(key), one for each way
        Clock 2, from registers: the keys of the set, with the changes of all older events.
    i_row : In(row)
        Clock 2: the same row again. While there is no event any row may be shown, but for one that
        is changed in this clock.
    o_tags : Out(stored_tag), one for each way
        Clock 3, straight from block RAM: the tags of that row, with their check bits. Who takes one
        puts it right.
    i_change : In(1), i_change_row : In(row), i_change_way : In(way), i_value : In(tag)
        Clock 7: the tag of this way of the event's row is replaced. `i_value` must be zero until
        `o_ready`.
    o_ready : Out(1)
        High `rows` clocks after reset, when all tags are zero. No event may enter before.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.

    Timing: one event per clock. An event `FORWARDED` = 6 clocks behind one of its set asks for the
    tags in clock 8 of that one: they were written in the clock before.

    Reset: all tags are cleared.
    """

    def __init__(self, config):
        self._config = config
        tag, ways = tag_layout(config), config.WAYS
        super().__init__(
            {
                "i_index": In(config.row_bits),
                "i_valid": In(1),
                "o_keys": Out(key_layout).array(ways),
                "i_row": In(config.row_bits),
                "o_tags": Out(stored_tag(config)).array(ways),
                "i_change": In(1),
                "i_change_row": In(config.row_bits),
                "i_change_way": In(1),
                "i_value": In(tag),
                "o_ready": Out(1),
                "o_errors": Out(ERRORS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, protect, value = self._config, self._config.protect, self.i_value
        rows, ways = config.rows, config.WAYS
        m.submodules.keys = self.keys = keys = ForwardedMemory(protect, key_layout, rows, ways=ways)
        m.submodules.cells = cells = SweptMemory(
            protect, value.shape().size, rows, ways, as_it_lies=True
        )
        report(m, protect, self.o_errors, keys.o_errors)
        m.d.comb += [
            keys.i_index.eq(self.i_index),
            keys.i_valid.eq(self.i_valid),
            keys.i_change.eq(self.i_change),
            keys.i_change_way.eq(self.i_change_way),
            *(keys.i_value[name].eq(value[name]) for name in key_layout.members),
            cells.i_read_index.eq(self.i_row),
            cells.i_write_index.eq(self.i_change_row),
            cells.i_value.eq(value),
            self.o_ready.eq(keys.o_ready & cells.o_ready),
        ]
        for way in range(ways):
            m.d.comb += [
                self.o_keys[way].eq(keys.o_value[way]),
                self.o_tags[way].eq(cells.o_read[way]),
                cells.i_write[way].eq(self.i_change & (self.i_change_way == way)),
            ]
        return m
