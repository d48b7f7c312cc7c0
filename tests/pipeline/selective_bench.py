"""`decide`: Q2 and Q3 for one event of a selective link, and what is told to whom."""

from functools import cache

from tests.link.link_bench import Both
from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.fsm import LinkState

CONFIG = preset("tiny")  # 4 reorder slots: a window of 16
WINDOW = CONFIG.reorder_window
MASK = (1 << 32) - 1
LID = 5
RUN = 16  # slots that one RETIRE frees at most
PEER = 4  # the peer's epoch
BASES = (1000, 0xFFFFFFFD, 0x7FFFFFFD)
TAG = (
    "state",
    "una",
    "alloc",
    "sent",
    "current",
    "received",
    "gap",
    "seen",
    "held",
    "timer",
    "retries",
    "kept",
    "looking",
    "purging",
    "selective",
    "oldest_at",
    "next",
    "tail",
)


class Bench:
    def __init__(self, ctx, both):
        self.ctx, self.both = ctx, both

    def __call__(self, kind, event, tag, *, kept=None, free=1, asking=0, walking=0, passed=0,
                 retiring=0, first=None, selective=1):  # fmt: skip
        """What follows, as a dict.

        `kept`: what the directory holds, None or (lid, slot). `passed`: how many slots the replayer
        has passed, if it walks; `retiring`: the retirer walks. `first`: the first ID of the run of
        missing ones in front of the one that is asked about.
        """
        ctx, decide, commit = self.ctx, self.both.decide, self.both.commit
        event = {name: value & MASK for name, value in event.items()}
        tag = dict(dict(state=LinkState.OPEN, node=2, vc=1, selective=1, peer_epoch=PEER), **tag)
        tag = {name: value if name == "state" else value & MASK for name, value in tag.items()}
        ctx.set(decide.i_tag, tag)
        ctx.set(
            decide.i_event,
            dict(dict(event=kind, node=2, vc=1, by_lid=kind.value > 15, epoch=PEER), **event),
        )
        ctx.set(decide.i_lid, LID)
        ctx.set(
            decide.i_kept,
            dict(valid=kept is not None, lid=(kept or (0, 0))[0], slot=(kept or (0, 0))[1]),
        )
        ctx.set(decide.i_reorder_free, free)
        ctx.set(decide.i_asking, asking)
        ctx.set(decide.i_walking, walking)
        ctx.set(decide.i_stands, walking and passed == 0)
        ctx.set(decide.i_stands_near, walking and passed < RUN)
        ctx.set(decide.i_retiring, retiring)
        ctx.set(decide.i_run, first is not None and first & MASK != event.get("tx_id"))
        ctx.set(self.both.before_run, ((first or 0) - 1) & MASK)
        ctx.set(decide.cfg_selective, selective)
        out = {"action": ctx.get(decide.o_outcome.action).name}
        out |= {name: ctx.get(decide.o_tag[name]) for name in TAG}
        out["waits"] = ctx.get(decide.o_tag.lag)  # slots to be freed; `lag`: who is told
        out["pop"] = ctx.get(decide.o_outcome.pop)
        for name, port, fields in (
            ("control", commit.o_control, ("opcode", "tx_id", "rx_id")),
            ("payload", commit.o_payload, ("tx_id",)),
            ("verdict", commit.o_verdict, ("slot", "deliver", "kept")),
            ("look_job", commit.o_look_job, ("purge", "lid")),
            ("looked", commit.o_looked, ("on", "id", "hit")),
            ("free", commit.o_free, ("count", "tail")),
            ("ask_start", commit.o_ask_start, ("lid", "id")),
            ("asked", commit.o_asked, ("on",)),
            ("range", commit.o_range, ("lid", "first", "last")),
            ("walk", commit.o_walk, ("found", "head", "una", "lag", "current")),
            ("lag", commit.o_lag, ("lid", "count", "head")),
        ):
            values = tuple(ctx.get(port.p[field]) for field in fields)
            if name == "control":
                values = (values[0].name, *values[1:])
            out[name] = values if ctx.get(port.valid) else None
        out["taken"] = ctx.get(commit.o_kept.payload) if ctx.get(commit.o_kept.valid) else None
        return out


@cache
def simulated():
    return Simulated(Both(CONFIG, 0))


def decide(check):
    both = simulated().design

    async def testbench(ctx):
        ctx.set(both.decide.cfg_max_retry, 3)
        ctx.set(both.decide.i_first_id, 77)
        ctx.set(both.decide.i_epoch, 9)
        check(Bench(ctx, both))

    simulated().run(testbench)


def has(out, where="", **expected):
    """These are as said; IDs modulo 2^32."""
    for name, want in expected.items():
        if isinstance(want, tuple):
            want = tuple(v & MASK if isinstance(v, int) else v for v in want)
        elif isinstance(want, int):
            want &= MASK
        assert out[name] == want, (where, name, out[name], want, out["action"])


SILENT = dict(control=None, payload=None, look_job=None, ask_start=None, range=None)


def packet(t, room=1):
    return dict(tx_id=t, room=room, rx_slot=9)


# ---- sender: NACK (R7, R8, R9) -------------------------------------------------------------------


def low(number):
    return number & (1 << CONFIG.count_bits + 1) - 1
