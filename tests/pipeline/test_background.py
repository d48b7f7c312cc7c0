"""The events of selective replay in every state of a link, also those that come too late.

LOOK, ASK, PURGE, SEEK, REPLAY, WALKED and RETIRE name their link by its number and are raised in
the background. So the link that asked for one may be gone, and another one in its place, before
it enters; in a whole engine that takes a race of a few clocks. Here they are put into `Pipeline`
directly, with `Commit` behind it: every row of the state table, and everything that may leave Q3.
Each script runs as fast as the pipeline takes its events, and (long) with one at a time.

Source: protocol sections 3 and 5.3, decisions R5 to R10. The rows are claimed in
`ttpverif/coverage/state_plan.json` under the name `test_background`.
"""

import functools

import pytest
from amaranth import Signal
from amaranth.hdl import ResetInserter
from amaranth.sim import Simulator

from tests.long import long_case
from tests.pipeline.background_bench import Bench, Observer, put
from tests.pipeline.background_cases import SCRIPTS
from tests.pipeline.background_script import MASK
from tests.pipeline.pipeline_bench import LATENCY
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.state_table import TABLE
from ttpverif.coverage.state_plan import check_claims

GAPS = (0, long_case(LATENCY + 1))  # clocks between two events


@functools.cache
def outcomes(gap):
    """{script: [what left Q3 for each event]} of all scripts, each from reset."""
    bench, reset, results = Bench(), Signal(), {}
    pipeline = bench.pipeline
    running = []

    async def watch(ctx):
        rows, seen = [], Observer(bench)
        while True:
            await ctx.tick()
            if ctx.get(seen.q3_valid):
                running[-1].append(
                    dict(
                        row=rows.pop(0),
                        action=ctx.get(seen.action).name,
                        lid=ctx.get(seen.lid),
                        slot=ctx.get(seen.slot),
                        tag=vars(seen.tag(ctx)),
                        told=seen.told(ctx),
                    )
                )
            if ctx.get(seen.q2_valid):
                rows.append(seen.row(ctx))

    async def drive(ctx):
        for name, make in SCRIPTS.items():
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            while not (ctx.get(pipeline.o_ready) and ctx.get(bench.lists.o_slot.valid)):
                await ctx.tick()
            running.append([])
            results[name] = running[-1]
            for signal in (bench.retiring, bench.hopped, bench.ask_over):
                ctx.set(signal, 0)
            slots = []
            for step in make().steps:
                await put(ctx, bench, step, slots)
                await ctx.tick().repeat(gap) if gap else None
            await ctx.tick().repeat(3 * LATENCY)

    simulator = Simulator(ResetInserter(reset)(bench))
    simulator.add_clock(1e-8)
    simulator.add_testbench(drive)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return results


def masked(value):
    """Numbers to 32 bits, in tuples too: scripts compute IDs without caring for the wrap."""
    if isinstance(value, tuple):
        return tuple(masked(part) for part in value)
    return value & MASK if isinstance(value, int) else value


def check(script, results, where):
    """Every event took the row, changed the tag and told others as the script says."""
    steps = [step for step in script.steps if step.kind is not None]
    assert len(results) == len(steps), where
    slots = [got["slot"] for step, got in zip(steps, results) if step.kind == Event.HOST_PAYLOAD]
    free_tag = dict.fromkeys(results[0]["tag"], 0) | {"state": LinkState.CLOSED}
    tags = {}
    for number, (step, got) in enumerate(zip(steps, results)):
        at = f"{where}, event {number}, {step.kind.name} {step.fields}: {got}"
        changes, told = (
            part(slots) if callable(part) else part for part in (step.changes, step.told)
        )
        before = tags.get(step.lid, free_tag)
        assert got["lid"] == step.lid, at
        if step.row is None:
            assert got["action"] == step.action, at
        else:
            cell = TABLE[step.kind][before["state"]]
            assert got["row"] == (step.kind.name, before["state"].name, step.row), at
            assert got["action"] == cell[step.row][1].name, at
            assert got["tag"]["state"] == cell[step.row][2] == before["state"], at
            changed = {name: value for name, value in got["tag"].items() if value != before[name]}
            wanted = {
                name: masked(value)
                for name, value in changes.items()
                if masked(value) != before[name]
            }
            assert changed == wanted, at
        if told is not None:
            assert got["told"] == {name: masked(value) for name, value in told.items()}, at
        tags[step.lid] = got["tag"]


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_background_events(name, gap):
    check(SCRIPTS[name](), outcomes(gap)[name], f"{name}, gap {gap}")


@pytest.mark.parametrize("gap", GAPS)
def test_the_rows_of_the_plan_are_taken(gap):
    """By the guards as Q2 sees them; that the action is the row's is checked above."""
    taken = {got["row"] for results in outcomes(gap).values() for got in results}
    check_claims("test_background", taken)
