"""A full set of the link table (decision L5): who must go, who never has to, who waits."""

from ttpverif.bench.bench import scenario
from ttpverif.bench.directed import Desk
from ttpverif.frames.fields import dst_of, epoch_of, opcode_of, rx_id_of
from ttpverif.frames.frame import Opcode

RUNS = [{"sim": "verilator", "preset": "tiny"}]

LINK_UP, LINK_DOWN, REFUSED = 0, 1, 2


async def full(desk, one_sent=0, two_sent=0):
    """Two OPEN links in one set, the second used last, and a third peer of that set. The timer has
    been there since."""
    await desk.fresh()
    one = await desk.link("OPEN", sent=one_sent)
    two = await desk.link("OPEN", partner=desk.partner(like=one), sent=two_sent)
    await rest(one, two)
    return one, two, desk.partner(like=one, apart=[two])


async def rest(*links):
    """A visit of the timer to each: what has nothing outstanding may be a victim from now on."""
    for link in links:
        await link.timer()


async def asked(desk, how, third):
    """The third peer's OPEN, a payload for it, or the host's open; what the engine said to it."""
    await desk.quiet()
    known, frames = len(desk.a.notices), len(desk.a.frames_out)
    if how == "frame":
        await third.rx("OPEN", tx=9, epoch=0x77)
    elif how == "payload":
        await third.send()
    else:
        await third.open()
    await desk.quiet()
    told = [(n.notice, n.node) for n in desk.a.notices[known:]]
    sent = [(opcode_of(f.data), dst_of(f.data), f.data) for f in desk.a.frames_out[frames:]]
    return told, sent


@scenario
async def victim(bench):
    desk, a = Desk(bench), bench.a
    slots = bench.config["slots"]

    for how in ("frame", "payload", "host open"):
        answers = {"frame": 1, "payload": 0, "host open": 0}[how]
        # 1. The less recently used idle link is told to close. Use is a frame or the host's
        #    payload, not the timer's visit.
        for used in ("two", "one", "one by host"):
            one, two, third = await full(desk)
            if used == "one":
                await one.rx_next()
            elif used == "one by host":
                await one.send()
                await one.rx("ACK", rx=one.link.oldest)
            if used != "two":
                await rest(one, two)
            loser, keeper = (one, two) if used == "two" else (two, one)
            told, sent = await asked(desk, how, third)
            assert [(code, node) for code, node, _ in sent] == [
                (Opcode.OPEN_NACK, third.node)
            ] * answers + [(Opcode.CLOSE, loser.node)], (how, used)
            assert told == ([(REFUSED, third.node)] if how == "host open" else [])
            assert (loser.state, keeper.state, third.state) == ("CLOSE_SENT", "OPEN", "CLOSED")
            if how == "frame":  # the OPEN_NACK answers that OPEN, in its own numbers
                data = sent[0][2]
                assert rx_id_of(data) == 9 and epoch_of(data) == 0x77
            # 2. When the victim has closed the third gets in: the payload by itself.
            frames = len(a.frames_out)
            await loser.rx("CLOSE_ACK")
            await desk.quiet()
            assert loser.state == "CLOSED"
            if how == "payload":
                assert (
                    opcode_of(a.frames_out[frames].data) == Opcode.OPEN
                    and third.state == "OPEN_SENT"
                )
                await third.opened()
                await desk.quiet()
                assert third.link.in_flight == 1
                await third.rx("ACK", rx=third.link.oldest)
                await desk.quiet()
            else:
                assert third.state == "CLOSED"
                await asked(desk, how, third)
                assert third.state == {"frame": "OPEN", "host open": "OPEN_SENT"}[how]
            assert keeper.state == "OPEN" and a.level("free_slots") == slots

        # 3. Never one with data outstanding: the other one goes although it was used last.
        one, two, third = await full(desk, one_sent=1)
        told, sent = await asked(desk, how, third)
        assert (one.state, two.state) == ("OPEN", "CLOSE_SENT")
        # A set with a link that closes already has no second victim.
        told, sent = await asked(desk, how, third) if how != "payload" else ([], [])
        assert one.state == "OPEN" and not any(code == Opcode.CLOSE for code, _, _ in sent)
        await two.rx("CLOSE_ACK")
        await desk.quiet()
        assert third.state == ("OPEN_SENT" if how == "payload" else "CLOSED")

        # 4. Nobody can go: refused, or waiting, and nothing moves.
        one, two, third = await full(desk, one_sent=1, two_sent=2)
        told, sent = await asked(desk, how, third)
        assert [code for code, _, _ in sent] == [Opcode.OPEN_NACK] * answers
        assert (one.state, two.state, third.state) == ("OPEN", "OPEN", "CLOSED")
        if how == "payload":
            assert desk.feed.counts()["host_blocked"] == 1
            # It stalls its own VC only.
            other = desk.partner(vc=1)
            await other.send()
            # An ACK frees a slot of `two` and leaves one: tried again, still nobody can go.
            await two.rx("ACK", rx=two.link.oldest)
            await desk.quiet()
            assert desk.feed.counts()["host_blocked"] == 2 and two.state == "OPEN"
            # The rest is acknowledged: `two` is idle now, and still no victim: it was busy a moment
            # ago. The timer's round makes it one, and has the payload tried again.
            await two.rx("ACK", rx=two.link.oldest)
            await desk.quiet()
            assert desk.feed.counts()["host_blocked"] == 3 and two.state == "OPEN"
            await rest(two, two)
            await desk.quiet()
            assert (one.state, two.state) == ("OPEN", "CLOSE_SENT")
            await two.rx("CLOSE_ACK")
            await desk.quiet()
            assert third.state == "OPEN_SENT"
        elif how == "frame":
            await one.rx("ACK", rx=one.link.oldest)
            told, sent = await asked(desk, how, third)
            assert (one.state, two.state) == ("OPEN", "OPEN"), "a link that was busy a moment ago"
            await rest(one)
            told, sent = await asked(desk, how, third)
            assert (one.state, two.state) == ("CLOSE_SENT", "OPEN")
    await desk.claim("victim")
