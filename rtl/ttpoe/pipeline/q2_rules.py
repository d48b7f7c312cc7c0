"""Q2, second clock: the state table, and what the action taken means.

The table (`link.state_table`) is one bit for each row: its event, its states, its guards. All that follows
from an action (`link.effects`) comes straight from its bit: a number in between would have to be
encoded and decoded in the longest path.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..link.effects import EFFECTS, FLAGS, WORDS
from ..link.fsm import Action, LinkState
from ..link.state_table import TABLE
from .q2_guards import kinds_layout
from .records import RxBase, TxBase, guards_layout, outcome_layout

__all__ = ["Rules", "control_layout"]

_TX_BASE = {
    None: TxBase.ZERO,
    "open_id": TxBase.OPEN_ID,
    "first": TxBase.FIRST,
    "end": TxBase.END,
    "last": TxBase.LAST,
    "current": TxBase.CURRENT,
    "position": TxBase.POSITION,
    "tx_id": TxBase.TX_ID,
    "before": TxBase.BEFORE_TX,
    "run_end": TxBase.TX_ID,
}  # BEFORE_TX if the event's ID is kept
_RX_BASE = {
    None: RxBase.ZERO,
    "tx_id": RxBase.TX_ID,
    "r": RxBase.RECEIVED,
    "missing": RxBase.MISSING,
    "gap": RxBase.GAP,
    "run": RxBase.RUN,
}
assert _TX_BASE.keys() - {None} == set(WORDS["tx"])
assert _RX_BASE.keys() - {None} == set(WORDS["rx"])


def control_layout():
    """One bit for each effect, and what becomes of the state."""
    return data.StructLayout(
        {
            **dict.fromkeys((*FLAGS, *WORDS["ours"], *WORDS["slots"]), 1),
            **{f"end_{word}": 1 for word in WORDS["notes_end"]},
            "next_state": LinkState,
            "moves": 1,  # ... is another one than before
            "ends": 1,  # ... is CLOSED
        }
    )


def _any(bits):
    """Any of these bits."""
    bits = list(bits)
    return Cat(*bits).any() if bits else Const(0, 1)


def _joined(choices):
    """The number whose bit is high, of (bit, number) of which at most one is; else 0."""
    joined = Const(0)
    for bit, number in choices:
        if number:
            joined = joined | Mux(bit, number, 0)
    return joined


class Rules(wiring.Component):
    """The state table and its effects.

    Parameters
    ----------
    config : Config
    registered : bool
        Whether `o_outcome` comes a clock later than `o_control`; see `q2_decide.Decide`. Behind each
        bit of its numbers are half of the actions: with the table these would be the longest paths.

    Members
    -------
    i_kinds : In(kinds_layout)
    i_guards : In(guards_layout)
    i_state : In(LinkState)
        The link's, as a number.
    o_control : Out(control_layout)
    o_outcome : Out(outcome)
        The part of it that follows from the action alone.

    Timing: `o_control` is combinational, and so is `o_outcome` if not `registered`.
    """

    def __init__(self, config, registered=False):
        self._registered = registered
        super().__init__(
            {
                "i_kinds": In(kinds_layout()),
                "i_guards": In(guards_layout()),
                "i_state": In(LinkState),
                "o_control": Out(control_layout()),
                "o_outcome": Out(outcome_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._table(m)
        self._effects(m)
        return m

    def _table(self, m):
        """Which action is taken, one bit for each, and the next state."""
        kinds, guard = self.i_kinds, self.i_guards
        taken = {action: [] for action in Action}
        moves = {next_state: [] for next_state in LinkState}
        for kind, cells in TABLE.items():
            alike = {}  # states with the same alternatives, but for staying where they are
            for old, alternatives in cells.items():
                key = tuple(
                    (guards, action, next_state if next_state != old else None)
                    for guards, action, next_state in alternatives
                )
                alike.setdefault(key, []).append(old)
            for alternatives, states in alike.items():
                left = kinds[kind.name] & _any(kinds[f"in_{old.name}"] for old in states)
                for guards, action, next_state in alternatives:
                    met = Cat(
                        *(
                            ~guard[name[1:]] if name.startswith("!") else guard[name]
                            for name in guards
                        )
                    )
                    row = left & met.all()
                    left = left & ~met.all()
                    taken[action].append(row)
                    if next_state is not None:
                        moves[next_state].append(row)
        self.taken = {action: Signal(name=f"takes_{action.name.lower()}") for action in Action}
        m.d.comb += [self.taken[action].eq(_any(rows)) for action, rows in taken.items()]
        # A row that stays where it is has no bit here.
        moves = {state: _any(rows) for state, rows in moves.items()}
        control, any_move = self.o_control, _any(moves.values())
        m.d.comb += [
            control.moves.eq(any_move),
            control.ends.eq(moves[LinkState.CLOSED] | (kinds.in_CLOSED & ~any_move)),
            control.next_state.eq(
                Mux(
                    any_move,
                    _joined((move, state.value) for state, move in moves.items()),
                    Value.cast(self.i_state),
                )
            ),
        ]

    def _effects(self, m):
        """One control bit per effect, from the actions that have it."""
        out, control = self.o_outcome, self.o_control
        border = m.d.sync if self._registered else m.d.comb
        was_taken = {action: Signal(name=f"took_{action.name.lower()}") for action in Action}
        old_state, hit = Signal(LinkState), Signal()
        border += [
            *(was_taken[action].eq(bit) for action, bit in self.taken.items()),
            old_state.eq(self.i_state),
            hit.eq(self.i_guards.HIT),
        ]

        def those(having, taken=self.taken):
            return _any(taken[action] for action, effects in EFFECTS.items() if having(effects))

        def these(having):
            return those(having, was_taken)

        def chosen(field, value_of):
            """The outcome's field, from what each action says of it; None says nothing."""
            values = {action: value_of(effects) for action, effects in EFFECTS.items()}
            m.d.comb += Value.cast(field).eq(
                _joined(
                    (was_taken[action], value.value)
                    for action, value in values.items()
                    if value is not None
                )
            )

        m.d.comb += [
            *(control[name].eq(those(lambda e, name=name: getattr(e, name))) for name in FLAGS),
            *(
                control[word].eq(those(lambda e, word=word: word in (e.ours, e.slots)))
                for word in (*WORDS["ours"], *WORDS["slots"])
            ),
            *(
                control[f"end_{word}"].eq(those(lambda e, word=word: e.notes_end == word))
                for word in WORDS["notes_end"]
            ),
            Value.cast(out.action).eq(
                _joined((bit, action.value) for action, bit in was_taken.items())
            ),
            out.old_state.eq(old_state),
            out.append.eq(these(lambda e: e.slots == "append")),
            out.free_own.eq(these(lambda e: e.slots == "refuse")),
            out.run.eq(these(lambda e: e.slots == "run")),
            out.free_all.eq(these(lambda e: e.slots == "free_all")),
            *(
                out[name].eq(these(lambda e, name=name: getattr(e, name)))
                for name in ("evicts", "copies", "wakes")
            ),
            out.stepped.eq(these(lambda e: e.ours is not None)),
            out.noticed.eq(these(lambda e: e.notice is not None)),
            out.frame.eq(these(lambda e: e.frame is not None)),
        ]
        chosen(out.result, lambda e: e.result)
        chosen(out.notice, lambda e: e.notice)
        chosen(out.opcode, lambda e: e.frame)
        chosen(out.rx_base, lambda e: _RX_BASE[e.rx])
        chosen(out.tx_base, lambda e: _TX_BASE[e.tx])
        with m.If(these(lambda e: e.tx == "run_end") & hit):
            m.d.comb += out.tx_base.eq(TxBase.BEFORE_TX)
