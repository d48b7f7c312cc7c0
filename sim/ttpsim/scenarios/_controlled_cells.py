"""Cells of the state table that only a controlled link reaches (decisions K11 to K13).

The scenario `cells` runs them behind its own; `_zero_cells` has those of peers with epoch 0.
"""

ALONE, CROWDED = 0x10, 0x9F  # codes: one link, and so many that nothing more is sent for long
_TRIES = 40  # time-outs, of which from the fourth on one in two replays nothing

__all__ = ["CONTROLLED"]


async def controlled(d, state, sent=0, selective=False, ahead=0):
    """A link in `state` whose peer agreed on congestion control."""
    peer = d.partner()
    peer.controlled = True
    return await d.link(state, sent=sent, partner=peer, selective=selective, ahead=ahead)


async def rx_ack(d, state):
    if state not in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        return
    peer = await controlled(d, state, sent=2)
    oldest = peer.link.oldest
    await peer.rx("ACK", tx=oldest + 1, rx=oldest - 1, congestion=ALONE)  # an echo
    await peer.rx("ACK", tx=oldest + 2, rx=oldest - 1, congestion=ALONE)  # of what was not sent


async def rx_payload(d, state):
    if state not in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        return
    peer = await controlled(d, state, sent=1, selective=True, ahead=9)
    for ahead in (2, 3):  # a new gap, and none: the second is echoed
        await peer.rx("PAYLOAD", tx=peer.link.received + ahead)


async def timer(d, state):
    if state not in ("OPEN", "CLOSE_SENT", "CLOSE_RECD"):
        return
    for gap in (False, True):
        await d.fresh(max_retry=0)
        peer = await controlled(d, state, sent=2, ahead=9)
        oldest = peer.link.oldest
        if gap:
            await peer.rx("PAYLOAD", tx=peer.link.received + 2)
        # Paced: what is to be sent again waits for its time.
        await peer.rx("ACK", tx=oldest + 1, rx=oldest - 1, congestion=CROWDED)
        await peer.timer(4)
        # Patient: some of many time-outs send nothing again.
        await d.fresh(max_retry=0)
        peer = await controlled(d, state, sent=2, ahead=9)
        if gap:
            await peer.rx("PAYLOAD", tx=peer.link.received + 2)
        patient = ("UNACKED", "PATIENT", *(["GAP"] if gap else []))
        rows = [guards for guards, _action, _next in d.coverage.table["TIMER"][state]]
        for _ in range(_TRIES):
            await peer.timer(1)
            await d.quiet()
            if ("TIMER", state, rows.index(patient)) in d.coverage.taken:
                break


CONTROLLED = {"rx_ack": rx_ack, "rx_payload": rx_payload, "timer": timer}
"""Name of an event -> what takes its rows in a state."""
