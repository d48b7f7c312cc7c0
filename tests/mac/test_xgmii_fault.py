"""`XgmiiFault`: when a fault of the link begins, and when it is over."""

import pytest

from tests.mac.xgmii_words import octets
from tests.simulated import made
from tests.streams import simulate
from ttpoe.mac.xgmii import LANES, Control
from ttpoe.mac.xgmii_fault import XgmiiFault


@pytest.mark.parametrize("kind, name", [(1, "local_fault"), (2, "remote_fault")])
def test_a_fault_begins_with_four_ordered_sets_and_ends_with_silence(kind, name):
    dut, seen = made(XgmiiFault), []
    ordered = [Control.SEQUENCE, 0, 0, kind, *[Control.IDLE] * 4]

    async def testbench(ctx):
        for clock in range(90):
            data, control = octets(ordered if clock < 4 else [Control.IDLE] * LANES)
            ctx.set(dut.xgmii_d, data)
            ctx.set(dut.xgmii_c, control)
            seen.append((ctx.get(getattr(dut, name)), ctx.get(getattr(dut, f"stat_rx_{name}"))))
            await ctx.tick()

    simulate(dut, testbench)
    levels = [level for level, _ in seen]
    assert levels[:5] == [0] * 5 and levels[5] == 1, "the fourth in clock 3, the fault in 5"
    assert sum(event for _, event in seen) == 1
    assert levels.index(0, 5) - 5 == 64 and not any(levels[69:]), "128 columns without any"


@pytest.mark.parametrize("half", [0, 1])
def test_a_column_with_one_wrong_control_bit_is_no_ordered_set(half):
    dut = made(XgmiiFault)
    ordered = [*[Control.IDLE] * 4] * 2
    ordered[4 * half : 4 * half + 4] = [Control.SEQUENCE, 0, 0, 1]
    good, _control = octets(ordered)
    control = 0xF0 if not half else 0x0F  # idle in the other half
    control |= 1 << 4 * half

    async def testbench(ctx):
        for lane in (*range(4 * half, 4 * half + 4), None):
            wrong = 0 if lane is None else 1 << lane
            for clock in range(100):
                ctx.set(dut.xgmii_d, good if clock < 8 else octets([Control.IDLE] * LANES)[0])
                ctx.set(dut.xgmii_c, control ^ wrong if clock < 8 else 0xFF)
                await ctx.tick()
                if clock == 8:
                    assert ctx.get(dut.local_fault) == (lane is None), lane

    simulate(dut, testbench)
