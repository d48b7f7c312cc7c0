"""What the events of selective replay must do in every state: the scripts of `test_background`."""

import functools

from tests.pipeline.background_script import (
    DATA,
    EARLY,
    ENDINGS,
    FIRST,
    KEPT,
    LID,
    NEIGHBOUR_LID,
    OTHER_PEER,
    RUN,
    START,
    WINDOW,
    Script,
)
from ttpoe.link.fsm import Event


def one_of_three_freed(first):
    """What an ACK of the three slots from `slots[first]` on tells: that one is freed, two wait."""
    return lambda slots: {
        "free": (slots[first], 1),
        "lag": (2, slots[first + 1]),
        "push": LID,
        "stats": {"ack_retired", "slot_retired"},
    }


def every_row(state):
    """Each row of the seven events in a state where data flows, but for PURGE's first."""
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.do("APPEND_SEND", Event.HOST_PAYLOAD)
    s.to_close(state)

    s.look(4, 2, told={"looked": 0})  # none is under way
    every_ask(s)

    s.replay(1, 0)  # nobody walks
    s.start_walk(4)
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST, told={"stats": {"ack_retired"}})
    s.retire(1, 0, 1)  # lags, but only the replayer walks
    s.replay(1, 0)  # acknowledged meanwhile
    for ahead in (1, 2):
        s.replay(
            0,
            ahead,
            slot=9 + ahead,
            told={"payload": (9 + ahead, FIRST + ahead), "stats": {"payload_replayed"}},
        )
    s.replay(1, 4)  # not sent yet
    s.replay(1, 0, lid=NEIGHBOUR_LID)  # another link's list
    s.do("HOLD", Event.RX_NACK_FULL)
    s.replay(1, 1)

    s.tell(hopped=1)  # past the first slot: that may be freed
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 2, told=one_of_three_freed(0))
    s.tell(retiring=1)
    s.retire(1, 2, 2)  # the replayer stands in front of it
    s.background(Event.WALKED, 0)
    s.retire(
        0,
        2,
        2,
        lambda slots: {"lag": 0, "head": slots[4]},  # slots[3] is the neighbour's
        lambda slots: {"free": (slots[1], 2), "stats": {"slot_retired"}},
    )
    s.tell(retiring=0)
    s.retire(1, 4, 1)

    s.payload("DELIVER_LOOK", 1, 4)
    s.look(4, 1, told={"looked": (START + 2, 0)})  # asks for the last one's ID
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2, "timer": 0},
        {"looked": (START + 3, 1), "verdict": (1, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(4, 3, told={"looked": (START + 3, 0)}, ahead=1)  # the one before may yet be answered
    s.look(1, 3, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 2)})
    s.background(Event.PURGE, 1, tx_id=START + 4 & WINDOW - 1)  # of this link: it stays
    s.payload("DELIVER_LOOK", 3, 5)
    s.look(
        0,
        4,
        {"received": START + 4, "kept": 1},
        {"looked": (START + 5, 1), "verdict": (2, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(
        0,
        5,
        {"received": START + 5, "kept": 0, "gap": 0},
        {"looked": (START + 6, 1), "verdict": (3, 1, 1), "stats": {"delivered_kept"}},
    )
    # Nothing is kept: whether the answer to the ID before is known or not, this one ends it.
    s.look(2, 6, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 5)}, ahead=1)
    s.ask(2, 6, told={"asked": 0})  # no gap
    over_in_order(s)

    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 3)
    s.seek(1, 1, 2, told={"walk": 0})  # all is acknowledged
    return s


def every_ask(s):
    """A round of questions: where a run of missing IDs began the pipeline knows."""
    run = dict(stats={"nack_run"})
    s.ask_anew()
    s.ask(2, 1, told={"asked": 1})  # missing, but not the run's end
    s.replay(1, 0)
    s.do("DROP_BAD_ACK", Event.RX_ACK, NEIGHBOUR_LID, rx_id=FIRST + 5)  # of another link
    s.ask(0, 2, told=dict(run, control=("NACK", START + 1, START + 1), asked=1))
    s.ask(2, 3, told={"asked": 1})
    s.ask(0, 4, told=dict(run, control=("NACK", START + 3, START + 3), asked=1))
    s.ask(2, 5, told={"asked": 0})  # the youngest: kept, and nothing missing in front
    s.ask(2, WINDOW - 1, told={"asked": 1})  # behind the youngest: the round was over before


def over_in_order(s):
    """What is delivered last comes in order, and has its ACK: the look-up ends without another."""
    s.payload("KEEP_NACK", 7, 6)
    s.payload("DELIVER_LOOK", 6, 7)
    s.look(3 + 1, 8, told={"looked": (START + 7, 0)}, ahead=1)  # the wrong ID, and one is kept
    s.look(
        0,
        7,
        {"received": START + 7, "kept": 0, "gap": 0},
        {"looked": (START + 8, 1), "verdict": (6, 1, 1), "stats": {"delivered_kept"}},
    )
    s.payload("DELIVER", 8, 7)
    s.look(3, 8, {"looking": 0}, {"looked": 0})
    s.payload("DELIVER", 9, 7)


def too_late(state, ending):
    """A link with all of it under way ends, and the next one on its number is brought to `state`.

    What was under way still arrives: it must touch nothing and send nothing. The PURGEs free each
    kept packet once, whatever the new link does, and it keeps packets from then on.
    """
    s = Script()
    s.reach("OPEN", 3)
    s.keep_three()
    s.open_neighbour()
    s.start_walk()
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST)
    s.payload("DELIVER_LOOK", 1, 4)
    s.tell(retiring=1)
    s.end(ending)
    if ending == "closed":
        s.peer = OTHER_PEER
    s.reach(state, 3, ENDINGS[ending])

    early = state in EARLY  # then each has one row only
    for offset in (1, 2, 3):
        s.look(0 if early else 4, offset, told={"looked": 0})
    for ahead in range(4):
        s.replay(0 if early else 1, ahead)  # sends nothing (safety)
    s.retire(0 if early else 1, 0, 1)
    s.tell(retiring=0)
    s.background(Event.WALKED, 0)
    s.replay(0 if early else 1, 0)
    if early:
        s.ask(0, 2, told={"asked": 0})
        s.ask(0, 5, told={"asked": 0})
        s.seek(0, 0, 2, told={"walk": 0})
    else:
        s.ask(2, 2, told={"asked": 0})  # no gap yet
        s.payload("NACK_ALL", 2, 5)  # not kept, nor taken for kept
        # No round has begun since the reset: the run begins behind the ID 0 (and never so in a
        # whole engine, where the IDs between are those of the round of the link before).
        told = dict(control=("NACK", START + 2, 1), asked=0, stats={"nack_run"})
        s.ask(1, 2, told=told)
        s.payload("LOSE", 4, 5)

    kept = {packet_id & WINDOW - 1: slot for packet_id, slot in KEPT.items()}
    last = WINDOW - 1
    for place in range(WINDOW):
        s.background(
            Event.PURGE,
            0 if place in kept else 1,
            {"purging": 0} if place == last else {},
            {"verdict": (kept[place], 0, 1), "stats": {"purged"}} if place in kept else {},
            tx_id=place,
            room=place == last,
        )
        if place == last - 1 and not early:  # two are free again: not yet
            s.payload("LOSE", 2, 5)
            s.payload("LOSE", 3, 5)
    for place in range(WINDOW):  # no packet is freed twice
        s.background(Event.PURGE, 1, tx_id=place, room=place == last)

    if state == "CLOSED":
        s.reach("OPEN", 3)
    elif early:
        s.to_open()
        for _ in range(3):
            s.do("SEND", Event.VISIT)
    s.replay(1, 0)
    s.payload("KEEP_NACK" if early else "KEEP", 2, 5)
    s.payload("KEEP", 3, 6)
    s.payload("KEEP_NACK", 5, 7)
    s.payload("LOSE", 6, 9)  # three, and the neighbour's: full
    s.background(Event.PURGE, 1, tx_id=START + 2 & WINDOW - 1)
    s.payload("DELIVER_LOOK", 1, 4)
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2},
        {"looked": (START + 3, 1), "verdict": (5, 1, 1), "stats": {"delivered_kept"}},
    )
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 1)  # two: one of them lags behind
    # Its list is free to be shortened: the old walks are forgotten.
    s.tell(retiring=1)
    s.retire(
        0,
        5,
        1,
        lambda slots: {"lag": 0, "head": slots[6]},
        lambda slots: {"free": (slots[5], 1), "stats": {"slot_retired"}},
    )
    s.tell(retiring=0)
    s.do("DELIVER_LOOK", Event.RX_PAYLOAD, NEIGHBOUR_LID, tx_id=0x22, room=1, rx_slot=10)
    s.background(
        Event.LOOK,
        0,
        {"received": 0x23, "kept": 0, "gap": 0},
        {"looked": (0x24, 1), "verdict": (8, 1, 1), "stats": {"delivered_kept"}},
        lid=NEIGHBOUR_LID,
        tx_id=0x23,
    )
    return s


def asks_anew():
    """A new round of questions knows nothing of the run that the one before was in."""
    s = Script()
    s.reach("OPEN", 0)
    s.keep_three()
    s.ask_anew()
    s.ask(2, 1, told={"asked": 1})
    s.tell(ask_over=1)
    s.payload("DELIVER_LOOK", 1, 4)
    s.look(
        0,
        2,
        {"received": START + 2, "kept": 2, "timer": 0},
        {"looked": (START + 3, 1), "verdict": (1, 1, 1), "stats": {"delivered_kept"}},
    )
    s.look(1, 3, {"looking": 0}, {"looked": 0, "control": ("ACK", 0, START + 2)})
    s.ask_anew({"ask_start": START + 3, "stats": {"nack_gap"}})
    s.ask(2, 4, told={"asked": 1})  # kept; no ID in front of it has been asked for
    s.tell(ask_over=1)
    # The run of a new round begins behind what has been received since.
    s.do("COUNT_NACK", Event.TIMER, told={"ask_start": START + 3, "stats": {"nack_gap"}})
    s.ask(2, 3, told={"asked": 1})
    told = dict(control=("NACK", START + 3, START + 3), asked=1, stats={"nack_run"})
    s.ask(0, 4, told=told)
    return s


def cut():
    """The list that the retirer walks along is freed, and the next link's is shortened meanwhile."""
    s = Script()
    s.reach("OPEN", 3)
    s.tell(retiring=1)
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST, told={"stats": {"ack_retired"}})
    s.do("LINK_LOST", Event.RX_NACK_NOLINK, epoch=s.link_epoch)
    s.reach("OPEN", 4)
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 2, told=one_of_three_freed(3))
    freed = lambda slots: {"free": (slots[4], 1), "push": LID, "stats": {"slot_retired"}}
    s.do("RETIRE_ONE", Event.VISIT, told=freed)
    s.retire(1, 5, 1)  # of the old list
    s.do("NOTHING", Event.VISIT, told={})  # from now on it is this one's
    s.retire(
        0,
        5,
        1,
        lambda slots: {"lag": 0, "head": slots[6]},
        lambda slots: {"free": (slots[5], 1), "stats": {"slot_retired"}},
    )
    return s


def behind_the_walk():
    """A run is freed when the replayer has passed as many slots as a run may have."""
    s = Script()
    s.reach("OPEN", 4)
    s.start_walk(4)
    s.do("RETIRE", Event.RX_ACK, rx_id=FIRST + 2, told={"stats": {"ack_retired"}})
    s.tell(retiring=1)
    for hops in (1, RUN - 2):
        s.tell(hopped=hops)
        s.retire(1, 1, 2)  # nothing goes on: the WALKED would
    s.tell(hopped=1)
    s.retire(
        0,
        1,
        2,
        lambda slots: {"lag": 1, "head": slots[2], "queued": 1},
        lambda slots: {"free": (slots[0], 2), "push": LID, "stats": {"slot_retired"}},
    )
    s.tell(retiring=0)
    freed = lambda slots: {"free": (slots[2], 1), "stats": {"slot_retired"}}
    s.do("RETIRE_ONE", Event.VISIT, told=freed)
    return s


def sends_the_oldest(early):
    """`early` payloads wait when the link opens: each further one sends what waits longest."""
    s = Script()
    s.reach("OPEN_SENT", early)
    s.to_open()

    for number in range(4):
        s.do("APPEND_SEND", Event.HOST_PAYLOAD, told=None)
        s.steps[-1].told = functools.partial(_sends, number, number + early)
    for number in range(4, 4 + early):
        s.do("SEND", Event.VISIT)
        s.steps[-1].told = functools.partial(_sends, number, None, more=number < 3 + early)
    return s


def _sends(number, appended, slots, more=False):
    """What is told when payload `number` goes out; `appended` has come with it."""
    told = {"payload": (slots[number], FIRST + number), "stats": {"payload_first_sent"}}
    if appended is not None:
        told |= {"result": "TAKEN", "append": (slots[appended - 1], slots[appended])}
    return told | ({"push": LID} if more else {})


IMPOSSIBLE = [("restart", state) for state in EARLY] + [
    ("restart_closing", state) for state in EARLY[:2]
]
SCRIPTS = {f"every_row {state}": functools.partial(every_row, state) for state in DATA}
SCRIPTS |= {"asks_anew": asks_anew, "cut": cut, "behind_the_walk": behind_the_walk}
SCRIPTS |= {f"sends_the_oldest {n}": functools.partial(sends_the_oldest, n) for n in (1, 2, 3)}
SCRIPTS |= {
    f"too_late {state} {ending}": functools.partial(too_late, state, ending)
    for ending in ENDINGS
    for state in (*EARLY, *DATA)
    if (ending, state) not in IMPOSSIBLE
}
