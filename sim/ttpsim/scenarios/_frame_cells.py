"""The events of received frames, for the scenario `cells`: one function each, in any state."""

DATA_STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")
OTHER = 0x99  # an epoch that nobody has


async def full_set(d):
    """A set with two links that hold data; returns a third peer of that set."""
    d.one = one = await d.link("OPEN", sent=1)
    two = await d.link("OPEN", sent=1, partner=d.partner(like=one))
    return d.partner(like=one, apart=[two])


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


FRAMES = {name: function for name, function in list(globals().items()) if name.startswith("rx_")}
