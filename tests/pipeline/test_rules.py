"""The state table as Q2 has it in gates: each row is taken when its guards hold and no row above it
does, and gives what its action says.

`test_state_table` of the scenarios compares the table with the reference model; here the gates are
compared with the table.
"""

import random
from functools import cache

import pytest

from tests.simulated import Simulated
from ttpoe.config import preset
from ttpoe.link.effects import EFFECTS, FLAGS, WORDS
from ttpoe.link.fsm import GUARDS, Action, LinkState
from ttpoe.link.state_table import TABLE
from ttpoe.pipeline.q2_guards import kinds_layout
from ttpoe.pipeline.q2_rules import Rules
from ttpoe.pipeline.records import RxBase, TxBase, guards_layout
from ttpoe.protocol import Opcode

CONFIG = preset("tiny")
TX_BASES = dict(tx_id="TX_ID", before="BEFORE_TX", run_end="TX_ID", position="POSITION")
RX_BASES = dict(r="RECEIVED")


@cache
def simulated():
    return Simulated(Rules(CONFIG))


def first_row(alternatives, guards):
    """The number of the row that the table takes: the first one whose guards all hold."""
    for number, (names, _action, _next_state) in enumerate(alternatives):
        if all(guards[name.lstrip("!")] != name.startswith("!") for name in names):
            return number
    raise AssertionError("the last alternative has no guards")


def cases(rng, alternatives):
    """Guards at random: three times so that each row is taken, and some of any kind."""
    for number, (names, _action, _next_state) in enumerate(alternatives):
        own = {name.lstrip("!"): int(name[0] != "!") for name in names}
        for _ in range(3):
            guards = {name: rng.randrange(2) for name in GUARDS} | own
            for _try in range(100):
                taken = first_row(alternatives, guards)
                if taken == number:
                    break
                # One of the guards of the row above must not hold.
                others = [name.lstrip("!") for name in alternatives[taken][0]]
                guards[rng.choice([name for name in others if name not in own])] ^= 1
            yield guards
    for _ in range(3):
        yield {name: rng.randrange(2) for name in GUARDS}


def base(kind, word, other_names):
    return kind.ZERO if word is None else kind[other_names.get(word, word.upper())]


def expected(action, old, next_state, hit):
    """{name: value} of what follows, from `EFFECTS`."""
    effects = EFFECTS[action]
    tx_base = base(TxBase, effects.tx, TX_BASES)
    if effects.tx == "run_end" and hit:
        tx_base = TxBase.BEFORE_TX
    control = {flag: getattr(effects, flag) for flag in FLAGS}
    control |= {word: word in (effects.ours, effects.slots)
                for word in (*WORDS["ours"], *WORDS["slots"])}  # fmt: skip
    control |= {f"end_{word}": word == effects.notes_end for word in WORDS["notes_end"]}
    control |= dict(
        next_state=next_state, moves=next_state != old, ends=next_state == LinkState.CLOSED
    )
    outcome = dict(
        action=action,
        old_state=old,
        frame=effects.frame is not None,
        opcode=effects.frame or Opcode(0),
        noticed=effects.notice is not None,
        result=effects.result,
        tx_base=tx_base,
        rx_base=base(RxBase, effects.rx, RX_BASES),
        append=effects.slots == "append",
        free_own=effects.slots == "refuse",
        free_all=effects.slots == "free_all",
        stepped=effects.ours is not None,
    )
    if effects.notice is not None:
        outcome["notice"] = effects.notice
    outcome |= {name: getattr(effects, name) for name in ("copies", "wakes", "evicts")}
    return control, outcome


@pytest.mark.parametrize("kind", TABLE)
def test_every_row_of_an_event(kind):
    rng = random.Random(kind.value)
    dut, taken = simulated().design, set()

    async def job(ctx):
        for old, alternatives in TABLE[kind].items():
            kinds = {kind.name: 1, f"in_{old.name}": 1}
            ctx.set(dut.i_kinds, kinds_layout().const(kinds))
            ctx.set(dut.i_state, old)
            for guards in cases(rng, alternatives):
                ctx.set(dut.i_guards, guards_layout().const(guards))
                number = first_row(alternatives, guards)
                _names, action, next_state = alternatives[number]
                taken.add((old, number))
                control, outcome = expected(
                    action, old, old if next_state is None else next_state, guards["HIT"]
                )
                for port, want in ((dut.o_control, control), (dut.o_outcome, outcome)):
                    got = {name: ctx.get(port[name]) for name in want}
                    assert got == want, (old, number)

    simulated().run(job)
    assert taken == {(old, number) for old in TABLE[kind]
                     for number in range(len(TABLE[kind][old]))}  # fmt: skip


def test_without_an_event_nothing_follows():
    """Between two events the bits are whatever the registers hold; a clock of zeros does nothing."""
    dut = simulated().design

    async def job(ctx):
        ctx.set(dut.i_guards, guards_layout().const(dict.fromkeys(GUARDS, 1)))
        assert ctx.get(dut.o_control) == dut.o_control.shape().from_bits(0)
        assert ctx.get(dut.o_outcome.action) == Action(0)
        assert not ctx.get(dut.o_outcome.frame)

    simulated().run(job)
