"""Every cell of the state table, with each of its alternatives, on the engine.

One function per event brings a link into the state by frames and requests and lets the event
happen once for each row of the cell. Three witnesses: the model in lockstep, the conditions worked
out from the model's numbers (`ttpverif.coverage.cells`), and every statistic of the link machine, which must
have counted exactly what the events of the run call for. A row that was not taken fails.
"""

from ttpsim.scenarios._controlled_cells import CONTROLLED
from ttpsim.scenarios._zero_cells import ZERO
from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk

RUNS = [{"sim": "verilator", "preset": "tiny"}]

DATA_STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
OTHER = 0x99  # an epoch that nobody has


# ---- received frames -------------------------------------------------------------------------


async def rx_open(d, state):
    if state == "CLOSED":
        third = await full_set(d)
        await third.rx("OPEN", tx=9)
        await d.partner().rx("OPEN", tx=9)
        return
    if state == "OPEN_SENT":
        await (await d.link(state)).rx("OPEN", tx=9)
        return
    peer = await d.link(state, epoch=0x55)
    await peer.rx("OPEN", tx=peer.link.received)
    await peer.rx("OPEN", tx=peer.link.received - 1)  # its IDs were used (L19)
    await peer.rx("OPEN", tx=77, epoch=0x54)
    await peer.rx("OPEN", tx=78, epoch=0x56)


async def rx_open_ack(d, state):
    peer = await d.link(state)
    if state == "OPEN_SENT":
        await peer.rx("OPEN_ACK", tx=0x700, rx=peer.link.open_id - 1)
        await peer.opened()
    else:
        await peer.rx("OPEN_ACK", tx=0x700, rx=peer.link.open_id if peer.link else 4)


async def rx_open_nack(d, state):
    peer = await d.link(state)
    if state == "OPEN_SENT":
        own = peer.link.epoch
        await peer.rx("OPEN_NACK", rx=peer.link.open_id - 1, epoch=own)
        await peer.rx("OPEN_NACK", rx=peer.link.open_id, epoch=own ^ 1)
        await peer.rx("OPEN_NACK", rx=peer.link.open_id, epoch=own)
    else:
        await peer.rx("OPEN_NACK", rx=peer.link.open_id if peer.link else 4)


async def rx_close(d, state):
    if state in ("CLOSED", "OPEN_SENT"):
        await (await d.link(state)).rx("CLOSE", tx=0x777, rx=3)
        return
    peer = await d.link(state)
    await peer.rx("CLOSE", tx=peer.link.received + 1, epoch=OTHER)
    if state == "OPEN_RECD":
        await peer.rx("CLOSE", tx=peer.link.received + 1)
        return
    # Not quiet: something undeclared, and data of ours that its RxID does not cover.
    await peer.rx("CLOSE", tx=peer.link.received + 3)
    busy = await d.link(state, sent=2)
    await busy.rx("CLOSE", tx=busy.link.received + 1, rx=busy.link.oldest)
    # Quiet: once declared, once not declared, once by the acknowledgement that it carries.
    for declares in (True, False):
        peer = await d.link(state)
        await peer.rx("CLOSE", tx=peer.link.received + 1 if declares else 0)
    busy = await d.link(state, sent=2)
    await busy.rx("CLOSE", tx=busy.link.received + 1, rx=busy.link.end - 1)
    assert busy.state == "CLOSED"


async def rx_close_ack(d, state):
    peer = await d.link(state)
    if state in ("CLOSE_SENT", "CLOSE_RECD"):
        await peer.rx("CLOSE_ACK", epoch=OTHER)
        own = await d.link(state)
        await own.rx("CLOSE_ACK", epoch=own.link.epoch)
    await peer.rx("CLOSE_ACK")


async def rx_close_nack(d, state):
    peer = await d.link(state)
    if state in ("CLOSE_SENT", "CLOSE_RECD"):
        await peer.rx("CLOSE_NACK", tx=peer.link.received + 9, epoch=OTHER)
        await peer.rx("CLOSE_NACK", tx=0)
        await peer.rx("CLOSE_NACK", tx=peer.link.received + 9)
    else:
        await peer.rx("CLOSE_NACK", tx=9)


async def rx_payload(d, state):
    peer = await d.link(state, ahead=60)
    if state not in DATA_STATES:
        await peer.rx("PAYLOAD", tx=0x5000)
        return
    if state == "CLOSE_SENT":
        await peer.rx("CLOSE_NACK", tx=peer.link.received + 60)
    if state != "OPEN":
        await peer.rx("PAYLOAD", tx=peer.link.peer_end + 1)
    await peer.rx_next()
    await peer.rx("PAYLOAD", tx=peer.link.received)
    await peer.rx("PAYLOAD", tx=peer.link.received - 7)
    await peer.rx("PAYLOAD", tx=peer.link.received + 1, epoch=OTHER)
    for ahead in (2, 3, 4, 4, 3, 5):  # first, quiet, quiet, second pass, its turn, quiet
        await peer.rx("PAYLOAD", tx=peer.link.received + ahead)
    await peer.rx_next(2)
    d.reader(peer.vc, False)
    for _ in range(d.bench.config["rx_slots"] + 4):
        if not (await peer.rx_next())["room"]:
            break
    else:
        raise AssertionError("the receive memory never fills")
    await peer.rx("PAYLOAD", tx=peer.link.received + 2)  # a gap, without room
    d.reader(peer.vc, True)


async def rx_ack(d, state, kind="ACK"):
    if state not in DATA_STATES:
        peer = await d.link(state)
        await peer.rx(kind, rx=peer.link.oldest if peer.link else 5)
        return
    peer = await d.link(state, sent=4)
    link = peer.link
    await peer.rx(kind, rx=link.oldest, epoch=OTHER)
    if kind == "NACK":
        for rx in (link.oldest - 1, link.oldest, link.oldest + 2, link.fresh):
            await peer.rx(kind, rx=rx)
    elif kind == "ACK":
        for rx in (link.oldest - 1, link.fresh, link.oldest ^ 1 << 31, link.oldest + 1):
            await peer.rx(kind, rx=rx)
    else:
        await peer.rx(kind)
        idle = await d.link(state)
        await idle.rx(kind)


async def rx_nack(d, state):
    await rx_ack(d, state, "NACK")


async def rx_nack_full(d, state):
    await rx_ack(d, state, "NACK_FULL")


async def rx_nack_nolink(d, state):
    peer = await d.link(state, sent=2 if state in DATA_STATES else 0)
    if state in DATA_STATES:
        await peer.rx("NACK_NOLINK", epoch=peer.link.epoch ^ 1)
        await peer.rx("NACK_NOLINK", epoch=peer.link.epoch)
        module = await d.link(state, epoch=0, sent=1)
        await module.rx("NACK_NOLINK", epoch=0)
        assert module.state == "CLOSED"
    else:
        await peer.rx("NACK_NOLINK")


# ---- the host ----------------------------------------------------------------------------------


async def full_set(d):
    """A set with two links that hold data; returns a third peer of that set."""
    d.one = one = await d.link("OPEN", sent=1)
    two = await d.link("OPEN", sent=1, partner=d.partner(like=one))
    return d.partner(like=one, apart=[two])


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
    # The slots of `other` are being freed one by one, so two of these three are left to visits.
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
                await globals()[event.lower()](desk, state)
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
