"""Q2 and Q3 of one link without the pipeline between them: `Decide` hands its outcome to `Commit`.

What an event leaves in the tag is what the next one finds.
"""

from functools import cache

from amaranth import Elaboratable, Module, Signal

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.link.table import tag_layout
from ttpoe.pipeline.q2_decide import Decide
from ttpoe.pipeline.q3_commit import STATS, Commit
from ttpoe.protocol import Opcode

__all__ = [
    "Both",
    "CONFIG",
    "NODE",
    "OWN_EPOCH",
    "FIRST_ID",
    "INIT_ID",
    "Link",
    "decide",
    "changes",
]

CONFIG = preset("tiny")
NODE = 0x020304  # the peer
OWN_EPOCH, FIRST_ID, INIT_ID = 0x4242, 0x12345679, 1  # of our next incarnation
_FIELDS = tuple(tag_layout(CONFIG).members)
_BY_NUMBER = (Event.VISIT, Event.TIMER, Event.VICTIM, Event.SENT)


class Both(Elaboratable):
    """`Decide` hands its outcome to `Commit` in one clock, without the pipeline between them."""

    def __init__(self, config, node):
        self._node = node
        self.decide, self.commit = Decide(config), Commit(config)
        self.before_run = Signal(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.decide, m.submodules.commit = decide, commit = self.decide, self.commit
        done = commit.i_done.payload
        m.d.comb += [
            commit.i_done.valid.eq(1),
            done.event.eq(decide.i_event),
            done.outcome.eq(decide.o_outcome),
            done.tag.eq(decide.o_tag),
            done.lid.eq(decide.i_lid),
            done.kept_slot.eq(decide.i_kept.slot),
            done.node.eq(self._node),
            done.vc.eq(decide.i_tag.vc),
            done.before_run.eq(self.before_run),
        ]
        return m


class Link:
    """`tag`: the fields of the link's tag as numbers; `set` changes some, an event all of them."""

    def __init__(self, ctx, both):
        self._ctx, self._both = ctx, both
        self.tag = {}

    def set(self, state=LinkState.OPEN, **fields):
        """A tag with these fields, all others 0. The `Link` itself."""
        assert set(fields) <= set(_FIELDS), fields
        self.tag = dict.fromkeys(_FIELDS, 0) | dict(node=NODE, epoch=OWN_EPOCH) | fields
        self.tag["state"] = state
        return self

    def __call__(self, kind, *, own=0, full=0, **event):
        """An event: what follows, as a dict; the new tag is in `tag`.

        `frame` is (opcode, TxID, RxID) or None, `stats` the set of the statistics that count.
        `own`: the event's node is our own.
        """
        ctx, decide, commit = self._ctx, self._both.decide, self._both.commit
        ctx.set(decide.i_tag, self.tag)
        ctx.set(
            decide.i_event,
            dict(
                dict(
                    event=kind, node=NODE, by_lid=kind in _BY_NUMBER, may_send=kind == Event.VISIT
                ),
                **event,
            ),
        )
        ctx.set(decide.i_self, own)
        ctx.set(decide.i_full, full)
        self.tag = {name: ctx.get(decide.o_tag[name]) for name in _FIELDS}
        outcome, frame = decide.o_outcome, commit.o_control
        payload = commit.o_payload
        sent = None
        if ctx.get(frame.valid):
            sent = (Opcode(ctx.get(frame.p.opcode)), ctx.get(frame.p.tx_id), ctx.get(frame.p.rx_id))
        if ctx.get(payload.valid):
            assert sent is None, "two frames for one event (decision C7)"
            sent = Opcode.PAYLOAD, ctx.get(payload.p.tx_id), 0
        return {
            "action": Action(ctx.get(outcome.action)),
            "frame": sent,
            "epoch": ctx.get(frame.p.epoch),
            "ieee": ctx.get(frame.p.ieee),
            "notice": Notice(ctx.get(outcome.notice)) if ctx.get(outcome.noticed) else None,
            "result": HostResult(ctx.get(outcome.result)),
            "delivered": ctx.get(commit.o_verdict.valid) and ctx.get(commit.o_verdict.p.deliver),
            "pop": ctx.get(outcome.pop),
            "evicts": ctx.get(outcome.evicts),
            "free_own": ctx.get(outcome.free_own),
            "freed": ctx.get(outcome.chain) if ctx.get(outcome.free_all) else 0,
            "stats": {
                name.removeprefix("stat_") for name in STATS if ctx.get(getattr(commit, name))
            },
        }


@cache
def _simulated():
    return Simulated(Both(CONFIG, NODE))


def decide(check):
    """Runs `check(link)`."""
    simulated = _simulated()
    both = simulated.design

    async def testbench(ctx):
        dut = both.decide
        for name, value in dict(
            i_first_id=FIRST_ID,
            i_epoch=OWN_EPOCH + 1,
            cfg_init_id=INIT_ID,
            cfg_max_retry=20,
            cfg_link_slots=8,
            cfg_selective=1,
        ).items():
            ctx.set(getattr(dut, name), value)
        check(Link(ctx, both))

    simulated.run(testbench)


def changes(before, after):
    """{field: new value} of the fields of a tag that are not what they were."""
    return {name: after[name] for name in after if after[name] != before[name]}
