"""Q2 with registers gives what it gives without, two clocks later."""

import random

from tests.pipeline.registered_bench import CONFIG, Pair, drawn, run
from ttpoe.link.fsm import Action
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.records import pipeline_event_layout

LATE = {"i_reorder_free": 1, "i_asking": 2, "i_first_id": 2, "i_epoch": 2}
"""Inputs that come so many clocks behind the event."""


def near(rng, tag):
    """An event with IDs near to the tag's."""
    return drawn(
        rng,
        pipeline_event_layout(CONFIG),
        tx_id=(rng.choice((tag["received"], tag["una"])) + rng.randrange(-2, 6)) % (1 << 32),
        rx_id=(tag["una"] + rng.randrange(-2, 6)) % (1 << 32),
        epoch=rng.choice((0, tag["epoch"], tag["peer_epoch"], rng.getrandbits(16))),
    )


def test_decide_with_registers_is_two_clocks_later():
    rng = random.Random(1)
    pair = Pair(Decide, 2, LATE)
    dut = pair.plain
    pair.action = dut.o_outcome.action
    bits = ("i_full", "i_self", "i_walking", "i_reorder_free", "i_asking", "i_free", "i_slow")

    def draw():
        tag = drawn(rng, tag_layout(CONFIG))
        tag["sent"] = rng.randint(0, tag["alloc"])
        yield dut.i_tag, tag
        yield dut.i_event, near(rng, tag)
        yield from ((getattr(dut, name), rng.randrange(2)) for name in bits)
        yield dut.i_kept, drawn(rng, dut.i_kept.shape())
        yield dut.i_lid, rng.randrange(CONFIG.links)
        yield dut.i_first_id, rng.getrandbits(32)
        yield dut.i_epoch, rng.getrandbits(16)
        yield dut.cfg_max_retry, 3
        yield dut.cfg_link_slots, 6
        yield dut.cfg_init_id, 1
        yield dut.cfg_selective, 1
        yield dut.cfg_congestion, 1

    seen = run(pair, 2, draw)
    assert len(set(seen)) > len(Action) / 3
