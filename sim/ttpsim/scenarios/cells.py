"""Every cell of the state table, with each of its alternatives, on the engine.

One function per event brings a link into the state by frames and requests and lets the event
happen once for each row of the cell. Three witnesses: the model in lockstep, the conditions worked
out from the model's numbers (`ttpverif.coverage.cells`), and every statistic of the link machine, which must
have counted exactly what the events of the run call for. A row that was not taken fails.
"""

from ttpsim.scenarios._controlled_cells import CONTROLLED
from ttpsim.scenarios._frame_cells import DATA_STATES, FRAMES, full_set
from ttpsim.scenarios._zero_cells import ZERO
from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk

RUNS = [{"sim": "verilator", "preset": "tiny"}]


# ---- the host ----------------------------------------------------------------------------------


async def host_payload(d, state):
    if state == "CLOSED":
        await d.partner().send()
        third = await full_set(d)
        await third.send()
        await d.one.rx("NACK_NOLINK", epoch=d.one.link.epoch)  # room for the one that waits
        await d.quiet()
        assert third.state == "OPEN_SENT"
        return
    await d.fresh(link_slots=3)
    peer = await d.link(state)
    if state in ("CLOSE_SENT", "CLOSE_RECD"):
        await peer.send()
        return
    await peer.send(1)
    if state == "OPEN":
        await peer.rx("NACK_FULL")  # held: what comes now waits
        await peer.send(1)
    else:
        await peer.send(1)
    await peer.send(2)  # the second finds the link at its limit
    if state == "OPEN_SENT":
        await peer.close()  # frees all three; the blocked one opens anew
        return
    if state == "OPEN_RECD":
        await peer.close()
        d.mac(True)  # OPEN, then closing: the blocked one is refused
        await d.quiet()
        await peer.rx("CLOSE_NACK", tx=0)
        await d.saw("VISIT", peer, state="CLOSE_SENT")
        await peer.rx("ACK", rx=peer.link.fresh - 1)
        await d.quiet()
        late = await d.link(state)
        await late.close()
        await late.send()
    else:
        await peer.rx("NACK_NOLINK", epoch=peer.link.epoch)
        await refused_before_the_close(d)


async def refused_before_the_close(d):
    """OPEN with a CLOSE due: the few clocks between the OPEN_ACK's report and the next visit."""
    for attempt in range(8):
        await d.fresh()
        peer = await d.link("OPEN_RECD")
        await peer.close()
        for _ in range(30):
            d.a.send(peer.node, peer.vc, b"x")
        await d.bench.cycles(20 + attempt)
        d.mac(True)
        await d.quiet()
        if ("HOST_PAYLOAD", "OPEN", 0) in d.coverage.taken:
            return


async def host_open(d, state):
    if state == "CLOSED":
        third = await full_set(d)
        await third.open()
        await d.partner().open()
    else:
        await (await d.link(state)).open()


async def host_close(d, state):
    await (await d.link(state)).close()
    if state == "OPEN":
        await d.fresh(fixed_open_id=1, init_id=0xFFFFFFFE)
        peer = await d.link(state, sent=1)  # its ID is ffffffff: a CLOSE has no end to name
        assert not (await peer.close())["frame"]
        await peer.rx("ACK", rx=0xFFFFFFFF)
        assert (await d.saw("VISIT", peer, state="CLOSE_SENT"))["node"] == peer.node


# ---- from inside -------------------------------------------------------------------------------


async def victim(d, state):
    """The link to be given up changes between the choice and the VICTIM event: all of it waits
    for credits of the control queue, and goes in by its urgency when the MAC moves again."""
    first = await d.link("OPEN")
    second = await d.link("OPEN", partner=d.partner(like=first))
    third = d.partner(like=first, apart=[second])
    await second.rx_next()  # so the first is the one not used last
    await first.timer()  # and it has been idle since the timer came
    if state == "OPEN":
        await third.rx("OPEN", tx=5)
        await d.saw("VICTIM", first)
        await d.quiet()
        await d.fresh()
        first = await d.link("OPEN")
        second = await d.link("OPEN", partner=d.partner(like=first))
        third = d.partner(like=first, apart=[second])
        await second.rx_next()
        await first.timer()
    await d.stall_everything()
    mark = d.mark()
    third.play("OPEN", tx=5)
    received = first.link.received
    if state in ("CLOSED", "OPEN_RECD", "OPEN_SENT"):
        first.play("CLOSE", tx=received + 1)
    if state == "OPEN_RECD":
        first.play("OPEN", tx=50, epoch=0x60)
    elif state == "CLOSE_SENT":
        third.play("OPEN", tx=5)
    elif state == "CLOSE_RECD":
        first.play("CLOSE", tx=received + 4)
    elif state in ("OPEN", "OPEN_SENT"):
        d.a.send(first.node, first.vc, b"in between")
    await d.quiet()
    d.mac(True)
    await d.saw("VICTIM", None if state == "CLOSED" else first, mark, state)


async def sent(d, state):
    """SENT: the OPEN_ACK of an earlier exchange leaves when the link is elsewhere already."""
    await d.fresh(max_retry=1)
    peer = await d.link("OPEN_RECD")
    if state in ("CLOSED", "OPEN_SENT"):
        await peer.timer(3)
        assert peer.state == "CLOSED"
        if state == "OPEN_SENT":
            await peer.open()
    elif state != "OPEN_RECD":
        for _ in range(6):
            await peer.rx("OPEN", tx=peer.link.received)
        if state == "CLOSE_SENT":
            await peer.close()
    mark = d.mark()
    if state == "CLOSE_RECD":
        received = peer.link.received
        d.mac(True)
        await d.saw("SENT", peer, mark, "OPEN_RECD")
        await peer.rx("CLOSE", tx=received + 4)
        assert peer.state == "CLOSE_RECD"
    d.mac(True)
    await d.saw("SENT", peer, mark, state)


async def visit(d, state):
    """VISIT with nothing to do: the reason is gone when the PAYLOAD queue has room again."""
    peer = await d.link(state if state in DATA_STATES else "OPEN", sent=1, vc=1)
    await d.stall_payloads()
    await peer.rx("NACK", rx=peer.link.oldest)  # to be replayed: into the ready queue
    if state in DATA_STATES:
        await peer.rx("ACK", rx=peer.link.oldest)
    else:
        await peer.rx("NACK_NOLINK", epoch=peer.link.epoch)
        if state == "OPEN_SENT":
            await peer.open()
    mark = d.mark()
    if state == "OPEN_RECD":  # it comes when a PAYLOAD is on its way, so that its answer waits
        peer.play("OPEN", tx=50)
        await d.bench.cycles(10)
    d.mac(True)
    await d.saw("VISIT", peer, mark, state)
    if state not in DATA_STATES:
        return
    await d.fresh()
    peer, other = await d.link(state, sent=5), await d.link("OPEN", sent=10, vc=1)
    await d.quiet()
    # The retirer walks along the slots of `other`, so two of these three are left to visits.
    other.play("ACK", rx=other.link.oldest + 9)
    await peer.rx("ACK", rx=peer.link.oldest + 2)
    await peer.rx("NACK", rx=peer.link.oldest)
    await d.quiet()
    if state == "OPEN":
        again = await d.link("OPEN_RECD")
        await again.close()  # remembered
        d.mac(True)
        await d.saw("SENT", again)
        await d.quiet()
        assert again.state == "CLOSE_SENT"
        await d.fresh(fixed_open_id=1, init_id=0xFFFFFFFE)
        again = await d.link("OPEN_RECD")
        await again.send()
        await again.close()
        d.mac(True)
        await d.quiet()
        assert again.state == "CLOSE_SENT" and again.link.in_flight == 1
    elif state == "CLOSE_SENT":
        await peer.rx("CLOSE_NACK", tx=0)
        await peer.rx("ACK", rx=peer.link.end - 1)  # that was the last one: CLOSE again
        await d.quiet()


async def timer(d, state):
    if state == "CLOSED":
        await d.timer()
        return
    if state in ("OPEN_SENT", "OPEN_RECD"):
        await d.fresh(max_retry=1)
        peer = await d.link(state)
        await peer.timer(3)
        assert peer.state == "CLOSED"
        return

    async def case(sent=0, gap=False, **configuration):
        await d.fresh(**configuration)
        peer = await d.link(state, sent=sent)
        if gap:
            await peer.rx("PAYLOAD", tx=peer.link.received + 2)
        return peer

    await (await case(gap=True)).timer(3)
    await (await case(sent=2)).timer(3)
    await (await case(sent=2, gap=state != "CLOSE_RECD", max_retry=1)).timer(3)
    if state == "CLOSE_RECD":
        await d.fresh()
        peer = await d.link(state, sent=2, ahead=4)
        await peer.rx("PAYLOAD", tx=peer.link.received + 2)
        await peer.timer(3)
    await (await case(max_retry=1, idle_limit=1)).timer(3)
    if state == "CLOSE_SENT":
        peer = await case()
        await peer.rx("CLOSE_NACK", tx=peer.link.received + 4)
        await peer.timer(3)
    for gap in (False, True):
        await waiting_not_sent(d, state, gap)


async def waiting_not_sent(d, state, gap):
    """A payload that waited for the link to open finds the PAYLOAD queue full."""
    await d.fresh()
    peer = d.partner()
    await peer.send(1)
    await d.stall_payloads()
    await peer.opened()
    assert peer.link.stored == 1 and not peer.link.in_flight
    if state == "CLOSE_SENT":
        await peer.close()
    elif state == "CLOSE_RECD":
        await peer.rx("CLOSE", tx=peer.link.received + 4)
    if gap:
        await peer.rx("PAYLOAD", tx=peer.link.received + 2)
    await peer.timer(3)
    assert peer.link.stored == 1 and not peer.link.in_flight


# The scenario `selective` takes these.
SELECTIVE = {"SELECTIVE", "LOOKING", "KEPT_ANY"}
BACKGROUND = ("LOOK", "ASK", "PURGE", "SEEK", "REPLAY", "WALKED", "RETIRE")


@scenario
async def cells(bench):
    desk = Desk(bench)
    for event, row in desk.coverage.table.items():
        if event in BACKGROUND:
            continue
        for state, rows in row.items():
            await desk.fresh()
            try:
                await (FRAMES | globals())[event.lower()](desk, state)
                for more in (ZERO, CONTROLLED):
                    if event.lower() in more:
                        await desk.fresh()
                        await more[event.lower()](desk, state)
                await desk.done()
            except Exception as error:
                raise AssertionError(f"{event} in {state}: {error}") from error
            missed = [
                rows[n]
                for n in range(len(rows))
                if (event, state, n) not in desk.coverage.taken and not SELECTIVE & set(rows[n][0])
            ]
            assert not missed, f"{event} in {state}: not taken: {missed}"
    await desk.claim("cells")
