"""`Soak`: the whole bench in Amaranth's simulator, for a short time; tests/sim/test_soak.py has it
compiled, for long, and with defects."""

from tests.simulated import made_with_reset
from tests.streams import simulate
from tests.traffic.traffic_twin import SHORT, Twin
from ttpoe.config import preset
from ttpoe.traffic.checker import TrafficError
from ttpoe.traffic.cycle import CycleError
from ttpoe.traffic.soak import Soak
from ttpoe.traffic.wire import WIRE_EVENTS

TINY = preset("tiny")
SEED, LIMIT_CLOCKS = 0x1234ABCD, 6000
SIDES, WIRES, VCS = ("a", "b"), ("ab", "ba"), range(3)


def settings(**changed):
    """Two engines that work, wires that lose nothing, and short packets without pauses."""
    values = {"cfg_seed": SEED, "cfg_settle": 100, "cfg_run_mask": 63, "cfg_patience": 3000}
    for number, x in enumerate(SIDES):
        engine = {"enable": 1, "node": 0xA0 + number, "init_id": 1, "open_id_seed": 5 + number}
        engine |= {"timer_tick": 200, "max_retry": 1000, "selective": 1}
        engine |= {"lengths": SHORT, "gap_mask": 31}
        values |= {f"cfg_{x}_{name}": value for name, value in engine.items()}
    return values | changed


def run(over, finish_at=0, **changed):
    """Runs until `over(get)`, finishing from clock `finish_at` on; every status by its name."""
    (dut, reset, design), status = made_with_reset(Soak, TINY), {}

    async def testbench(ctx):
        def get(name):
            return ctx.get(getattr(dut, f"status_{name}"))

        for name, value in settings(**changed).items():
            ctx.set(getattr(dut, name), value)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for clock in range(LIMIT_CLOCKS):
            ctx.set(dut.i_finish, clock >= finish_at)
            if over(get):
                break
            await ctx.tick()
        names = [name for name in dut.signature.members if name.startswith("status_")]
        status.update({name: get(name) for name in (n.removeprefix("status_") for n in names)})

    simulate(design, testbench)
    return status


def test_traffic_on_every_vc_both_ways_and_nothing_wrong():
    """Until all has arrived and every link is closed; counts agree, and so do the bytes."""
    status = run(lambda get: get("done") or get("failed"), finish_at=700)
    assert status["done"] and not status["failed"] and status["closed"] >= len(VCS)
    for x, y in (SIDES, SIDES[::-1]):
        octets = 0
        for vc in VCS:
            sent = status[f"{x}_vc{vc}_sent"]
            assert sent == status[f"{y}_vc{vc}_received"] > 2
            assert status[f"{y}_vc{vc}_error"] == TrafficError.NONE
            assert status[f"vc{vc}_error"] == CycleError.NONE
            twin = Twin(SEED, len(VCS) * SIDES.index(x) + vc, SHORT, TINY.width_bytes)
            octets += sum(len(twin.packet()) for _ in range(sent))
        assert status[f"{y}_bytes"] == octets
        assert status[f"{y}_rx_delivered"] == sum(status[f"{y}_vc{vc}_received"] for vc in VCS)
        assert status[f"{x}_free_slots"] == TINY.slots
    for xy in WIRES:
        counts = {name: status[f"{xy}_{name}"] for name in WIRE_EVENTS}
        assert counts.pop("entered") == counts.pop("left") > 0
        assert not any(counts.values()), counts


def test_a_dead_wire_is_found_and_its_clock_told():
    """Every frame from a to b is lost: no progress for `cfg_patience` clocks."""
    patience = 250
    status = run(
        lambda get: get("failed") and get("clocks") > get("failed_at") + 20,
        finish_at=LIMIT_CLOCKS,
        cfg_patience=patience,
        cfg_ab_loss=65536,
    )
    assert status["failed"] and patience < status["failed_at"] < patience + 10
    assert {status[f"vc{vc}_error"] for vc in VCS} == {CycleError.STUCK}
    assert status["ab_entered"] == status["ab_lost"] > 0 and status["ba_lost"] == 0
    assert not status["done"] and not any(status[f"b_vc{vc}_received"] for vc in VCS)
