"""Open IDs and epochs are fresh (section 4, decision L11)."""

import pytest

from tests.streams import simulate
from ttpoe.link.identity import Identity


def identities(seed, steps, fixed=0, init_id=1):
    dut, seen = Identity(), []

    async def testbench(ctx):
        ctx.set(dut.cfg_open_id_seed, seed)
        ctx.set(dut.cfg_fixed_open_id, fixed)
        ctx.set(dut.cfg_init_id, init_id)
        await ctx.tick()
        ctx.set(dut.i_step, 1)
        for _step in range(steps):
            seen.append((ctx.get(dut.o_first_id) - 1, ctx.get(dut.o_epoch)))
            await ctx.tick()

    simulate(dut, testbench)
    return seen


@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFF, 0xFFF07FFF])
def test_open_ids_are_fresh_and_far_apart(seed):
    ids = [open_id for open_id, _epoch in identities(seed, 400)]
    assert ids[0] == seed & 0x7FFFFFFF
    assert all(0 <= open_id < 1 << 31 for open_id in ids)
    assert len(set(ids)) == len(ids)
    ordered = sorted(ids)
    assert min(b - a for a, b in zip(ordered, ordered[1:])) > 1 << 20


def test_epochs_count_up_and_skip_zero():
    assert [epoch for _id, epoch in identities(0xFFFE0000, 4)] == [0xFFFE, 0xFFFF, 1, 2]
    assert identities(0x00001234, 1)[0][1] == 1


def test_open_id_can_be_fixed():
    assert {open_id for open_id, _epoch in identities(5, 4, fixed=1, init_id=77)} == {77}
