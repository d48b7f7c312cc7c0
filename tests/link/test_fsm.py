"""The state table is whole: every cell, every guard, every action, every statistic is used."""

from ttpoe.layouts import Notice
from ttpoe.link.effects import EFFECTS, LINK_STATS
from ttpoe.link.fsm import GUARDS, Action, Event, LinkState
from ttpoe.link.state_table import TABLE
from ttpoe.protocol import Opcode


def cells():
    for event, row in TABLE.items():
        for state, alternatives in row.items():
            yield event, state, alternatives


def test_every_cell_is_there():
    assert set(TABLE) == set(Event)
    for event, row in TABLE.items():
        assert set(row) == set(LinkState), event


def test_received_events_are_numbered_as_the_opcodes():
    for opcode in Opcode:
        assert Event(opcode.value).name == f"RX_{opcode.name}"


def test_alternatives_end_in_one_that_always_holds():
    for event, state, alternatives in cells():
        assert alternatives[-1][0] == (), (event, state)
        assert all(guards for guards, _action, _next in alternatives[:-1]), (event, state)


def test_every_guard_and_action_is_used():
    guards = {g.lstrip("!") for *_cell, alts in cells() for gs, _a, _n in alts for g in gs}
    assert guards == set(GUARDS)
    actions = {action for *_cell, alts in cells() for _g, action, _n in alts}
    assert actions == set(Action) == set(EFFECTS)


def test_every_statistic_and_notice_is_used():
    assert {effects.stat for effects in EFFECTS.values()} - {None} == set(LINK_STATS)
    assert {effects.notice for effects in EFFECTS.values()} - {None} == set(Notice)


def test_a_link_that_ends_frees_its_slots_and_one_that_starts_is_ours():
    """Section 2: the clock in which a link ends frees the tag and every slot."""
    for event, state, alternatives in cells():
        for _guards, action, next_state in alternatives:
            effects = EFFECTS[action]
            if state != LinkState.CLOSED and next_state == LinkState.CLOSED:
                assert effects.slots == "free_all", (event, state, action)
                assert effects.notice is not None, (event, state, action)
            if state == LinkState.CLOSED and next_state != LinkState.CLOSED:
                assert effects.ours is not None, (event, state, action)


def test_link_up_is_told_exactly_when_a_link_becomes_open():
    for event, state, alternatives in cells():
        for _guards, action, next_state in alternatives:
            opened = state != LinkState.OPEN and next_state == LinkState.OPEN
            assert (EFFECTS[action].notice == Notice.LINK_UP) == opened, (event, state, action)


def test_nothing_is_sent_on_a_link_that_is_not_open():
    sending = {LinkState.OPEN, LinkState.CLOSE_SENT, LinkState.CLOSE_RECD}
    for event, state, alternatives in cells():
        for _guards, action, _next in alternatives:
            if EFFECTS[action].frame == Opcode.PAYLOAD:
                assert state in sending, (event, state, action)
