"""Congestion control on one link, rule by rule (section 11, decisions K3, K12, K13).

The rows of the state table that only a controlled link takes, against a scripted peer: echoes,
what the engine itself holds back, and time-outs that send nothing again.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk

RUNS = [{"sim": "verilator", "preset": "tiny"}]

STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
FAR = 0x60  # a code: 512 links are backlogged, so the next packet goes some 4400 clocks later
CHANCES = 24  # time-outs within which the coin falls on the right side


def taken(d, event, state, action):
    """Whether a row with that action was taken, of those that ask for CONTROLLED or its like."""
    rows = d.coverage.table[event][state]
    return any(
        (event, state, number) in d.coverage.taken
        for number, (guards, name, _to) in enumerate(rows)
        if name == action and {"CONTROLLED", "PACED", "PATIENT"} & set(guards)
    )


async def into(peer, state):
    """An OPEN link goes on to `state`."""
    if state == "CLOSE_SENT":
        await peer.close()
    elif state == "CLOSE_RECD":
        await peer.rx("CLOSE", tx=peer.link.received + 21)
    assert peer.state == state


async def echoes(d, state):
    """The peer keeps packets of ours, and we keep packets of its (K12)."""
    await d.fresh()
    peer = await d.link("OPEN", sent=2, selective=True, controlled=True)
    await into(peer, state)
    link = peer.link
    await peer.rx("ACK", rx=link.oldest - 1, tx=link.oldest + 1, code=0x10)
    await peer.rx("ACK", rx=link.oldest - 1, tx=link.fresh + 3)
    assert link.in_flight == 2
    await peer.rx("PAYLOAD", tx=link.received + 3)
    record = await peer.rx("PAYLOAD", tx=link.received + 4)
    assert record["frame"] and record["frame_tx_id"] == link.received + 4
    assert taken(d, "RX_ACK", state, "NOTED") and taken(d, "RX_ACK", state, "DROP_BAD_ACK")
    assert taken(d, "RX_PAYLOAD", state, "KEEP_ECHO")


async def held_back(d, state, gap):
    """What is to be sent again waits for its time: that is no time-out (K13)."""
    await d.fresh()
    peer = await d.link("OPEN", sent=1, controlled=True)
    await peer.rx("ACK", rx=peer.link.oldest, code=FAR)
    await peer.send(1)
    await d.quiet()
    assert peer.link.in_flight == 1
    await into(peer, state)
    if gap:
        await peer.rx("PAYLOAD", tx=peer.link.received + 2)
    await peer.timer(2)  # marks, and sends again: in its time
    counted = peer.link.count
    await peer.timer(3)
    assert peer.link.count == counted == 1
    assert taken(d, "TIMER", state, "MARK_NACK" if gap else "MARK")


async def patience(d, state, gap):
    """From the fourth time-out on, some send nothing again (K13)."""
    action = "COUNT_NACK" if gap else "COUNT"
    await d.fresh()
    peer = await d.link("OPEN", sent=1, controlled=True)
    await into(peer, state)
    if gap:
        await peer.rx("PAYLOAD", tx=peer.link.received + 2)
    for _ in range(CHANCES):
        await peer.timer()
        await d.quiet()
        if taken(d, "TIMER", state, action):
            return
    raise AssertionError(f"{CHANCES} time-outs, and each has sent again")


@scenario
async def controlled(bench):
    desk = Desk(bench)
    for state in STATES:
        await echoes(desk, state)
        for gap in (False, True):
            await held_back(desk, state, gap)
            await patience(desk, state, gap)
    await desk.claim("controlled")
