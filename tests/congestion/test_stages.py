"""The stages of the law by themselves; `test_law` has them together."""

import re
from pathlib import Path
from types import SimpleNamespace

from amaranth import Module, Signal

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.congestion.heard import heard_layout, meaning
from ttpoe.congestion.pace import Pace
from ttpoe.congestion.state import state_layout
from ttpoe.congestion.window import CUT, LONG
from ttpoe.link.fsm import Event, LinkState
from ttpoe.pipeline.records import committed_layout

CONFIG = preset("tiny")
PAGE = Path(__file__).parents[2] / "docs" / "design" / "congestion.md"


def test_the_page_has_the_constants():
    said = dict(re.findall(r"(?m)^\| (delay that [^|]*) \| (\d+) U \|", PAGE.read_text()))
    assert said == {
        "delay that shrinks the window": str(4 * CUT),
        "delay that makes the engine patient": str(4 * LONG),
    }


def test_a_link_is_idle_in_the_second_round_without_anything():
    m, done = Module(), Signal(committed_layout(CONFIG))
    heard = Signal(heard_layout(CONFIG))
    m.d.sync += meaning(CONFIG, done, heard)

    async def testbench(ctx):
        for retries, alloc, idle in ((1, 0, 0), (2, 0, 1), (2, 1, 0)):
            tag = dict(state=LinkState.OPEN, retries=retries, alloc=alloc)
            ctx.set(done, dict(event=dict(event=Event.TIMER), tag=tag))
            await ctx.tick()
            assert ctx.get(heard.visited) and ctx.get(heard.idle) == idle

    simulate(m, testbench)


def test_a_full_window_binds_controlled_links_only():
    m, event = Module(), Signal(heard_layout(CONFIG))
    names = dict(
        late=16, now=16, sent=16, sent_late=16, idled=1, clips=1, pauses=1, delay=12, far=1
    )
    known = {name: Signal(width, name=name) for name, width in names.items()}
    state = Signal(state_layout(CONFIG))
    known = SimpleNamespace(state=state, **known)
    told = dict(
        touched=Signal(),
        sweeps=Signal(),
        o_packet=Signal(name="packet"),
        o_new_gap=Signal(name="new_gap"),
    )
    pace = Pace(m, CONFIG, event, known, **told)

    async def testbench(ctx):
        ctx.set(state.window, 4)
        for controlled in (0, 1):
            for current in (2, 3, 4):
                ctx.set(event, dict(controlled=controlled, current=current))
                await ctx.tick()
                assert ctx.get(pace.gate.stop) == (controlled and current == 4)
                assert ctx.get(pace.free) == (controlled and current == 2)

    simulate(m, testbench)
