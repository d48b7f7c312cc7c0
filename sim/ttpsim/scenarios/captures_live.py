"""Captures of live runs in which the engine did wrong (tests/data/pcap-live), played to the engine.

The engine is in the place of node 2, the module's frames are fed as they were captured, and what
node 2 sent for the first time is what its host asks for. Up to the frame where the engine of then
went wrong, and what it must do there (decisions Z1 to Z8). IDs that the module copied from ours
move with our open ID, which is drawn anew.
"""

from ttpsim.paths import ROOT
from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import LockstepFeed, parameters_of
from ttpverif.check.trace import NOTICES
from ttpverif.frames.frame import ETHERTYPE_IEEE, Frame, Opcode
from ttpverif.frames.pcap import read_pcap
from ttpverif.frames.serial import id_add

FOLDER = "tests/data/pcap-live"
NEEDS = [f"{FOLDER}/38_module_stalls_after_loss.pcap"]
RUNS = [{"sim": "verilator", "preset": "tiny", "needs": NEEDS}]

MODULE, ENGINE = 1, 2
NEVER = (1 << 24) - 1
PATIENCE, QUIET = 400, 60


class Capture:
    """One file, played frame by frame. `shift`: by how much our IDs differ from node 2's."""

    def __init__(self, bench, number, lockstep):
        (path,) = (ROOT / FOLDER).glob(f"{number}_*.pcap")
        self.frames = [Frame.unpack(data) for _, data in read_pcap(path)]
        self.bench, self.engine, self.number = bench, bench.a, number
        self.lockstep, self.shift, self.known = lockstep, 0, set()

    async def start(self):
        self.engine.configure(node=ENGINE, ieee=1, max_retry=0, timer_tick=NEVER, link_slots=8)
        await self.restart()

    async def restart(self):
        await self.bench.reset(nodes=[self.engine])
        self.lockstep.restart(parameters_of(self.bench, self.engine))

    async def answers(self):
        """What the engine has sent since this began: [(opcode, TxID, RxID)]."""
        sent = self.engine.frames_out[self.mark :]
        await self.bench.cycles(QUIET)
        for _ in range(PATIENCE // QUIET):
            await self.bench.cycles(QUIET)
            more = self.engine.frames_out[self.mark :]
            if len(more) == len(sent):
                break
            sent = more
        parsed = [Frame.unpack(frame.data) for frame in sent]
        return [(frame.opcode.name, frame.tx_id, frame.rx_id) for frame in parsed]

    async def rx(self, opcode, tx_id=0, rx_id=0, vc=2):
        """A frame that is not in the file; what it makes the engine send."""
        return await self._feed(
            Frame(
                MODULE,
                ENGINE,
                Opcode[opcode],
                vc,
                tx_id,
                rx_id,
                ethertype=ETHERTYPE_IEEE,
                payload=b"more" * (opcode == "PAYLOAD"),
            )
        )

    async def _feed(self, frame):
        self.mark = len(self.engine.frames_out)
        self.engine.play(frame.pack())
        return await self.answers()

    async def play(self, first, last):
        """Frames `first` to `last`; what the last one made the engine send."""
        for number in range(first, last + 1):
            frame = self.frames[number - 1]
            if frame.src == MODULE:
                answers = await self._feed(self._moved(frame))
            else:
                answers = await self._host(frame)
        return answers

    def _moved(self, frame):
        if not self.shift or not frame.rx_id or frame.opcode == Opcode.OPEN:
            return frame
        return Frame(
            frame.src,
            frame.dst,
            frame.opcode,
            frame.vc,
            frame.tx_id,
            id_add(frame.rx_id, self.shift),
            ethertype=frame.ethertype,
            payload=frame.payload,
        )

    async def _host(self, frame):
        """What node 2's host asked for when this frame went out for the first time."""
        self.mark = len(self.engine.frames_out)
        key = frame.opcode, frame.tx_id, frame.epoch
        if frame.opcode == Opcode.OPEN:
            self.engine.open(MODULE, frame.vc)
        elif frame.opcode == Opcode.PAYLOAD and key not in self.known:
            self.engine.send(MODULE, frame.vc, frame.payload)
        elif frame.opcode == Opcode.CLOSE:
            self.engine.close(MODULE, frame.vc)
        else:
            return []
        self.known.add(key)
        answers = await self.answers()
        if frame.opcode == Opcode.OPEN:
            self.shift = (answers[0][1] - frame.tx_id) & 0xFFFFFFFF
        return answers

    def ours(self, captured):
        """Our ID where node 2 had this one."""
        return id_add(captured, self.shift)

    async def time_outs(self, count):
        """So many rounds of the link timer; what they make the engine send."""
        self.mark = len(self.engine.frames_out)
        self.engine.configure(timer_tick=64)
        await self.bench.cycles(64 * self.bench.config["links"] * count)
        self.engine.configure(timer_tick=NEVER)
        return await self.answers()

    def told(self):
        return [NOTICES[notice.notice] for notice in self.engine.notices[self.known_notices :]]

    known_notices = 0

    def is_(self, found, wanted):
        assert found == wanted, f"{self.number}: {found}, wanted {wanted}"


async def engine_restart_then_opens(c):
    """31: the module sends on with ID 0x16, we have guessed 1 (Z5); it opens again (Z4)."""
    await c.play(1, 82)
    await c.restart()
    c.is_(await c.play(83, 91), [("NACK_NOLINK", 0, 0x16)])
    answers = await c.rx("OPEN", 0x15, c.ours(c.frames[88].tx_id))
    c.is_([answer[0] for answer in answers], ["OPEN_ACK"])
    c.is_(await c.play(91, 91), [("ACK", 0, 0x16)])


async def module_reload_then_opens(c):
    """32: its OPEN may be late (Z4). Its NACK for our packet is asked back (Z6), and the OPEN that
    answers is believed; the host hears of it."""
    await c.play(1, 10)
    c.is_(await c.play(11, 11), [("OPEN_ACK", c.ours(0x1817FFBA), 1)])
    c.is_(await c.play(13, 13), [("PAYLOAD", c.ours(0x1817FFBA), 0)])
    c.is_(await c.rx("NACK", 0, 1), [("NACK_NOLINK", 0, 0)])
    c.is_(await c.rx("OPEN", 1, 1), [("OPEN_ACK", 2, 1)])
    c.is_(c.told()[-1], "PEER_RESTARTED")
    c.engine.send(MODULE, 2, b"after it")
    c.is_(await c.rx("ACK", 0, 1), [("PAYLOAD", 2, 0)])
    c.is_(await c.rx("ACK", 0, 2), [])


async def module_closes_engine_unacked(c):
    """33: the ACK of the last of ours brings a CLOSE_ACK, and two more before the end (Z3)."""
    await c.play(1, 36)
    await c.time_outs(3)  # NACK_FULL held the last one back
    await c.play(37, 53)
    c.is_((await c.play(54, 54))[-1:], [("CLOSE_ACK", 0, 7)])
    c.is_(await c.time_outs(5), [("CLOSE_ACK", 0, 7)] * 3)
    c.is_(c.told()[-1], "LINK_DOWN")


async def module_stuck_in_close_sent(c):
    """34: the same. Node 2 heard the CLOSE, frame 16, when frame 18 had been sent."""
    await c.play(1, 15)
    await c.play(18, 18)
    await c.play(16, 16)
    c.is_(await c.play(20, 20), [("CLOSE_ACK", 0, 5)])
    c.is_(await c.time_outs(5), [("CLOSE_ACK", 0, 5)] * 3)
    c.is_(c.told()[-1], "LINK_DOWN")


async def engine_closes_page_full(c):
    """35: no CLOSE while two of ours are unacknowledged (Z2)."""
    await c.play(1, 20)
    await c.time_outs(3)  # NACK_FULL held the last one back
    c.is_(await c.play(21, 21), [])
    await c.rx("ACK", 0, c.ours(0x7BA2D5A4))
    c.is_(await c.rx("ACK", 0, c.ours(0x7BA2D5A5)), [("CLOSE", c.ours(0x7BA2D5A6), 1)])


async def engine_closes_last_payload_lost(c):
    """36: the same, and the time-out sends the lost one again."""
    await c.play(1, 7)
    c.is_(await c.play(8, 8), [])
    sent = await c.time_outs(3)
    assert ("PAYLOAD", c.ours(0x2918694A), 0) in sent and "CLOSE" not in str(sent), sent
    c.is_(await c.rx("ACK", 0, c.ours(0x2918694A)), [("CLOSE", c.ours(0x2918694B), 1)])


async def close_with_stale_ids(c):
    """37: left-over IDs declare nothing (Z1)."""
    await c.play(1, 2)
    c.is_(await c.play(9, 9), [("CLOSE_ACK", 0, 0x68)])
    c.is_(c.told()[-1], "LINK_DOWN")


async def module_stalls_after_loss(c):
    """38: the timer's visits say ACK(r) again, eight times in a row and no more (Z7)."""
    await c.rx("OPEN", 0x125, 0x124)
    await c.rx("PAYLOAD", 0x126)  # before the file begins
    await c.play(1, 37)
    sent = await c.time_outs(5)
    assert set(sent) == {("ACK", 0, 0x12E)} and 3 <= len(sent) <= 5, sent
    assert len(sent) + len(await c.time_outs(12)) == 8


CASES = {
    31: engine_restart_then_opens,
    32: module_reload_then_opens,
    33: module_closes_engine_unacked,
    34: module_stuck_in_close_sent,
    35: engine_closes_page_full,
    36: engine_closes_last_payload_lost,
    37: close_with_stale_ids,
    38: module_stalls_after_loss,
}


@scenario
async def captures_live(bench):
    bench.a.address = ENGINE
    bench.a.configure(node=ENGINE)
    bench.a.trace_on = True
    feed = LockstepFeed(bench.a, parameters_of(bench, bench.a))
    for number, case in CASES.items():
        capture = Capture(bench, number, feed)
        capture.known_notices = len(bench.a.notices)
        await capture.start()
        await case(capture)
        await bench.cycles(QUIET)
        feed.finish()
    bench.report(f"{len(CASES)} captures")
