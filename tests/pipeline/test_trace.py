"""The trace's record says of each event what left Q3, field by field."""

import random

from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import Action, Event, LinkState
from ttpoe.pipeline.trace import Trace
from ttpoe.protocol import Opcode

TINY = preset("tiny")
FRAME = ("opcode", "node", "vc", "ieee", "epoch", "selective", "controlled", "tx_id", "rx_id")
RECEIVED = ("epoch", "tx_id", "rx_id", "congestion", "room")


def one(rng):
    """An event of Q3, with what of it is looked at."""

    def bits(count):
        return rng.getrandbits(count)

    return {
        "event": dict(
            event=rng.choice(list(Event)),
            epoch=bits(16),
            tx_id=bits(32),
            rx_id=bits(32),
            congestion=bits(8),
            room=bits(1),
        ),
        "outcome": dict(
            old_state=rng.choice(list(LinkState)),
            action=rng.choice(list(Action)),
            keeps=bits(1),
            pop=bits(1),
            free=bits(1),
            slow=bits(1),
            coin=bits(1),
            crowded=bits(1),
            result=rng.choice(list(HostResult)),
            frame=bits(1),
            noticed=bits(1),
            notice=rng.choice(list(Notice)),
        ),
        "tag": dict(state=rng.choice(list(LinkState))),
        "lid": bits(TINY.lid_bits),
        "node": bits(24),
        "vc": rng.randrange(3),
    }


def test_every_field_is_where_it_belongs():
    dut, rng = Trace(TINY), random.Random(1)

    async def testbench(ctx):
        for _ in range(300):
            done, delivers, valid = one(rng), rng.getrandbits(1), rng.getrandbits(1)
            frame = dict(
                opcode=rng.choice(list(Opcode)),
                node=rng.getrandbits(24),
                vc=rng.randrange(3),
                ieee=rng.getrandbits(1),
                epoch=rng.getrandbits(16),
                selective=rng.getrandbits(1),
                controlled=rng.getrandbits(1),
                tx_id=rng.getrandbits(32),
                rx_id=rng.getrandbits(32),
            )
            ctx.set(dut.i_done.payload, done)
            ctx.set(dut.i_done.valid, valid)
            ctx.set(dut.i_frame, frame)
            more = rng.getrandbits(1)
            ctx.set(dut.i_more, more)
            ctx.set(dut.i_delivers, delivers)
            event, outcome = done["event"], done["outcome"]
            wanted = {
                "event": event["event"],
                "lid": done["lid"],
                "node": done["node"],
                "vc": done["vc"],
                "old_state": outcome["old_state"],
                "new_state": done["tag"]["state"],
                "action": outcome["action"],
                **{name: event[name] for name in RECEIVED},
                **{name: outcome[name] for name in ("free", "slow", "coin", "crowded")},
                "frame_more": more,
                "delivered": delivers,
                "kept": outcome["keeps"],
                "background": outcome["action"] in (Action.RETIRE_ONE, Action.RETIRE_RUN),
                "frees": outcome["pop"],
                "result": outcome["result"],
                "frame": outcome["frame"],
                **{f"frame_{name}": frame[name] for name in FRAME},
                "noticed": outcome["noticed"],
                "notice": outcome["notice"],
            }
            trace = dut.o_trace.payload
            assert wanted.keys() == trace.shape().members.keys()
            for name, value in wanted.items():
                assert ctx.get(trace[name]) == value, name
            assert ctx.get(dut.o_trace.valid) == valid

    simulate(dut, testbench)
