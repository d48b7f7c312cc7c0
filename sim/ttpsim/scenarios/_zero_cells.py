"""Rows of the state table that only a peer with epoch 0 takes (decisions Z1 to Z8): for `cells`.

`ZERO` is {event: function}; each is called behind the function of the same event in `cells`.
"""

from ttpverif.frames.frame import Opcode

DATA_STATES = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")


async def module(d, state, got=0, sent=1):
    """Tesla's module: it opened with 1 and 1, so r is 1 and our first data ID 2.

    `got`: PAYLOADs of its that were accepted. `sent`: payloads of ours that are not acknowledged;
    while there are any our CLOSE is not sent (Z2).
    """
    peer = d.partner(epoch=0)
    mark = d.mark()
    await peer.rx("OPEN", tx=1, rx=1)
    await d.saw("SENT", peer, mark)
    if got:
        await peer.rx_next(got)
    if sent:
        await peer.send(sent)
    if state == "CLOSE_SENT":
        await peer.close()
    elif state == "CLOSE_RECD":
        await peer.rx("CLOSE", tx=0x6A, rx=3)  # left over: it means nothing
    assert peer.state == state, (peer.state, state)
    return peer


async def doubted(d, state):
    peer = await module(d, state, got=1)
    await peer.rx("OPEN", tx=70, rx=70)
    assert peer.link.doubted
    return peer


async def asked(d, peer):
    """A PAYLOAD that is out of step: NACK_NOLINK asks for an OPEN."""
    record = await peer.rx("PAYLOAD", tx=peer.link.received + 40)
    assert record["frame_opcode"] == Opcode.NACK_NOLINK and peer.link.asked


async def guessed(d):
    """We opened, and the module did not say where it stands."""
    return await d.link("OPEN", epoch=0, first=0, sent=1)


async def rx_open(d, state):
    if state == "CLOSED":
        peer = d.partner(epoch=0)
        peer.selective = True
        await peer.rx("OPEN", tx=1, rx=1)
        assert not peer.link.selective
    if state == "OPEN":
        peer = await guessed(d)
        await asked(d, peer)
        await peer.rx("OPEN", tx=0x15, rx=peer.link.oldest)  # its RxID fits: resync
        assert peer.link.received == 0x15 and not peer.link.stored
        peer = await guessed(d)
        await asked(d, peer)
        old = peer.link
        await peer.rx("OPEN", tx=1, rx=1)  # it does not: restart
        assert peer.link is not old
        peer = await d.link("OPEN", epoch=0x55)
        await peer.rx("PAYLOAD", tx=peer.link.received + 2)  # a gap
        await peer.rx("OPEN", tx=peer.link.received)
        await d.fresh()  # there are only so many sets for links of their own
    if state == "OPEN_RECD":
        peer = await d.link(state, epoch=0)
        await peer.rx("OPEN", tx=peer.link.received, rx=peer.link.oldest - 1)
        await peer.rx("OPEN", tx=9, rx=9)
        d.mac(True)
        await d.quiet()
    if state not in DATA_STATES:
        return
    peer = await module(d, state, got=1)
    for numbers in ((2, 1), (1, 1), (9, 1), (9, 1)):  # agrees, agrees and tells, doubt, resync
        if peer.link.doubted:
            await asked(d, peer)
        record = await peer.rx("OPEN", tx=numbers[0], rx=numbers[1])
        assert (record["frame_opcode"], record["frame_rx_id"]) == (Opcode.OPEN_ACK, numbers[0])
    assert peer.link.received == 9 and peer.link.stored == 1 and peer.state == state
    await peer.rx("OPEN", tx=70, rx=70)  # doubt, restart
    await asked(d, peer)
    await peer.rx("OPEN", tx=70, rx=70)
    peer = await module(d, state, sent=2)
    record = await peer.rx("OPEN", tx=1, rx=2)  # its RxID acknowledges
    assert (record["frame_tx_id"], peer.link.stored) == (3, 1)
    record = await peer.rx("OPEN", tx=30, rx=3)
    assert (record["frame_tx_id"], peer.link.stored) == (3, 1), "in doubt: nothing changes"
    await asked(d, peer)
    await peer.rx("OPEN", tx=30, rx=3)
    assert (peer.link.received, peer.link.stored) == (30, 0)


async def rx_close(d, state):
    if state in DATA_STATES:
        peer = await module(d, state, sent=2)
        record = await peer.rx("CLOSE", tx=peer.link.received + 1, rx=3)
        assert record["frame_opcode"] == Opcode.CLOSE_NACK and peer.link.stored == 2, (
            "it acknowledges nothing"
        )
    if state == "OPEN":
        peer = await module(d, state, sent=0)
        await peer.rx("CLOSE", tx=0x6A, rx=9)
        assert peer.state == "CLOSED"


async def rx_close_ack(d, state):
    if state in ("CLOSE_SENT", "CLOSE_RECD"):
        peer = await module(d, state)
        await peer.rx("CLOSE_ACK", rx=1)
        assert peer.state == state, "it answers no CLOSE of ours"
        await peer.rx("ACK", rx=2)
        record = await peer.rx("CLOSE_ACK", rx=1)
        assert peer.state == "CLOSED" and record["frame_opcode"] == Opcode.CLOSE_ACK, (
            "it is answered"
        )


async def rx_close_nack(d, state):
    if state in ("CLOSE_SENT", "CLOSE_RECD"):
        peer = await module(d, state)
        for tx, r in ((9, 1), (0, 0), (0, 1 << 31)):
            await peer.rx("CLOSE_NACK", tx=tx)
            assert peer.link.received == r
        peer = await module(d, state, got=2)
        await peer.rx("CLOSE_NACK")
        assert peer.link.received == 3


async def rx_payload(d, state):
    if state not in DATA_STATES:
        return
    peer = await module(d, state)
    for tx in (peer.link.received + 2, peer.link.received):
        await peer.rx("PAYLOAD", tx=tx)
    await peer.rx_next()
    for ahead in (3, 3, 4, 3):  # a gap; the same again; on and back: NACKed as ever
        await peer.rx("PAYLOAD", tx=peer.link.received + ahead)
    if state == "OPEN":
        peer = await guessed(d)
        for ahead in (0, 20):
            await peer.rx("PAYLOAD", tx=peer.link.received + ahead)
        await d.fresh()
    peer = await doubted(d, state)
    for ahead in (0, 1, 2):
        await peer.rx("PAYLOAD", tx=peer.link.received + ahead)


async def rx_ack(d, state):
    if state not in DATA_STATES:
        return
    peer = await doubted(d, state)
    await peer.rx("ACK", rx=70)
    peer = await module(d, state, sent=2)
    await peer.rx("ACK", rx=2)
    record = await peer.rx("ACK", rx=3)
    if state == "CLOSE_RECD":
        assert record["frame_opcode"] == Opcode.CLOSE_ACK and peer.state == "CLOSE_RECD", (
            "CLOSE_ACK, unasked"
        )


async def rx_nack(d, state):
    if state not in DATA_STATES:
        return
    peer = await doubted(d, state)
    await peer.rx("NACK", rx=70)
    peer = await module(d, state, sent=2)
    for rx in (1, 0, 70, 2):  # the last one that it has, then two that mean nothing
        await peer.rx("NACK", rx=rx)
    await nack_of_0(d, state, 1)
    await nack_of_0(d, state, 2)


async def nack_of_0(d, state, sent):
    """The module answers an ID 0 that it has already so; our first data ID is 0 here."""
    peer = d.partner(epoch=0)
    mark = d.mark()
    await peer.rx("OPEN", tx=5, rx=0xFFFFFFFF)
    await d.saw("SENT", peer, mark)
    await peer.send(sent)
    if state == "CLOSE_SENT":
        await peer.close()
    elif state == "CLOSE_RECD":
        await peer.rx("CLOSE")
    record = await peer.rx("NACK", rx=0)
    assert peer.link.oldest == 1 and peer.link.stored == sent - 1
    last = state == "CLOSE_RECD" and sent == 1
    assert record["frame"] == last and (not last or record["frame_opcode"] == Opcode.CLOSE_ACK)


async def host_payload(d, state):
    if state == "CLOSED":
        await to_ourselves(d, "HOST_PAYLOAD")


async def host_open(d, state):
    if state == "CLOSED":
        await to_ourselves(d, "HOST_OPEN")


async def to_ourselves(d, event):
    """No peer at all, but for our own address, and no link (L20)."""
    mark = d.mark()
    if event == "HOST_OPEN":
        d.a.open(d.a.address, 2)
    else:
        d.a.send(d.a.address, 2, b"to ourselves")
    record = await d.saw(event, None, mark)
    assert record["node"] == d.a.address and record["noticed"] and not record["frame"]


async def host_close(d, state):
    if state == "OPEN":
        peer = await module(d, state, sent=2)
        assert not (await peer.close())["frame"]
        await peer.rx("ACK", rx=3)
        assert (await d.saw("VISIT", peer, state="CLOSE_SENT"))["node"] == peer.node


async def visit(d, state):
    if state == "OPEN":  # a remembered close waits, too
        peer = await d.link("OPEN_RECD", epoch=0)
        await peer.send()
        await peer.close()
        d.mac(True)
        await d.quiet()
        assert peer.state == "CLOSE_SENT" and peer.link.in_flight == 1


async def timer(d, state):
    if state == "OPEN":
        for sent in (0, 1):
            for got in (0, 1):
                peer = await module(d, state, got=got, sent=sent)
                await peer.timer(11)  # eight time-outs wake it
        await d.fresh(idle_limit=1)
        peer = await module(d, state, got=1, sent=0)
        await peer.timer(3)
        assert peer.state == "CLOSE_SENT"
    if state in ("OPEN", "CLOSE_SENT"):
        await d.fresh(max_retry=1)
        peer = await module(d, state)
        await peer.timer(3)
        assert peer.state == "CLOSED"
        await d.fresh()
    if state == "CLOSE_RECD":
        peer = await module(d, state)
        await peer.rx("OPEN", tx=1, rx=2)  # acknowledges the last of ours
        await peer.timer(4)  # two that repeat CLOSE_ACK, one that ends it
        assert peer.state == "CLOSED"
        await d.fresh(max_retry=1)
        peer = await module(d, state)
        await peer.timer(3)
        assert peer.state == "CLOSED"
    if state in ("CLOSE_SENT", "CLOSE_RECD"):  # no NACK for an open gap
        peer = await module(d, state, got=1)
        await peer.rx("PAYLOAD", tx=peer.link.received + 3)
        await peer.timer(3)


ZERO = {
    name: function
    for name, function in list(globals().items())
    if name.startswith(("rx_", "host_")) or name in ("timer", "visit")
}
