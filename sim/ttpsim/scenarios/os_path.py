"""The operating system's path beside TTP: its reader stops, it is off, a frame is too long.

`nic` has both kinds of frames on a bad wire; here the wire is perfect and each frame's fate is
known beforehand. TTP goes on all the time and must not notice.
"""

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries, follow_lockstep

RUNS = [{"sim": "verilator", "preset": "tiny", "top": "nic"}]

VCS = (0, 1, 2)
HEADER = bytes.fromhex("ffffffffffff0200000000070800")
OS_COUNTERS = ("os_rx_kept", "os_rx_full", "os_tx_sent", "os_tx_aborted", "os_tx_too_long")


class Desk:
    """Both NICs, and what has been sent and counted since the last check."""

    def __init__(self, bench):
        self.bench, self.rng = bench, bench.rng("frames")
        self.seen = {node: node.counts() for node in bench.nodes}

    def frame(self, size):
        return HEADER + self.rng.randbytes(size - len(HEADER))

    def counted(self, node):
        """The OS path's counters that have moved since the last call, and by how much."""
        before, self.seen[node] = self.seen[node], node.counts()
        return {
            name: self.seen[node][name] - before[name]
            for name in OS_COUNTERS
            if self.seen[node][name] != before[name]
        }

    async def ttp(self):
        """Payloads both ways on every VC; returns when they are delivered and acknowledged."""
        nodes, slots = self.bench.nodes, self.bench.config["slots"]
        goal = {node: len(node.received) + 2 * len(VCS) for node in nodes}
        for node, peer in zip(nodes, reversed(nodes)):
            for size in (1, 300):
                for vc in VCS:
                    node.send(peer.address, vc, self.rng.randbytes(size))
        await self.bench.until(
            lambda: all(
                len(n.received) == goal[n] and n.level("free_slots") == slots for n in nodes
            ),
            5_000,
            "TTP both ways",
            poll=True,
        )

    async def quiet(self):
        """Everything on its way has arrived; a frame may take as long as it fills the buffer."""
        clocks = 4 * self.bench.config["os_buffer_bytes"] // (self.bench.config["width_bits"] // 8)
        while True:
            before = [(len(n.frames_out), len(n.os_received)) for n in self.bench.nodes]
            await self.bench.cycles(clocks)
            if before == [(len(n.frames_out), len(n.os_received)) for n in self.bench.nodes]:
                return


async def reader_stops(desk):
    """Whole frames wait while there is room; one that finds none is dropped, a shorter one behind
    it may still fit. When the OS reads again it gets those that were kept, unchanged, in order."""
    a, b = desk.bench.nodes
    room = desk.bench.config["os_buffer_bytes"]
    long = (room // 5 - 16) // 8 * 8
    sizes = [*[long] * 6, 64, long]
    kept = [0, 1, 2, 3, 4, 6]
    assert 0 <= room - 5 * long - 64 < long - 64, "the sizes do not fit this buffer"
    a.ready["os"] = 0.0
    frames = [desk.frame(size) for size in sizes]
    got = len(a.os_received)
    for data in frames:
        b.os_send(data)
    await desk.quiet()
    assert desk.counted(a) == {"os_rx_kept": len(kept), "os_rx_full": len(sizes) - len(kept)}
    assert desk.counted(b) == {"os_tx_sent": len(sizes)}
    assert len(a.os_received) == got and a.level("m_os_rx_tvalid")
    await desk.ttp()
    a.ready["os"] = 0.5
    await desk.quiet()
    assert [f.data for f in a.os_received[got:]] == [frames[n] for n in kept]
    a.ready["os"] = 1.0


async def switched_off(desk):
    """Frames of the OS are dropped both ways, TTP is not; what comes after it is as before."""
    a, b = desk.bench.nodes
    got = {node: len(node.os_received) for node in desk.bench.nodes}
    a.configure(os_enable=0)
    for size in (64, 500, 1500):
        a.os_send(desk.frame(size))  # dropped here
        b.os_send(desk.frame(size))  # sent, and dropped there
    await desk.ttp()
    await desk.quiet()
    assert desk.counted(a) == {"os_tx_aborted": 3} and desk.counted(b) == {"os_tx_sent": 3}
    assert all(len(node.os_received) == got[node] for node in got)
    a.configure(os_enable=1)
    again = {node: desk.frame(200) for node in got}
    for node, data in again.items():
        node.os_send(data)
    await desk.quiet()
    assert a.os_received[-1].data == again[b] and b.os_received[-1].data == again[a]
    assert desk.counted(a) == desk.counted(b) == {"os_tx_sent": 1, "os_rx_kept": 1}


async def too_long(desk):
    """A frame longer than the buffer is dropped whole and counted; the longest that fits is not."""
    a, b = desk.bench.nodes
    room, got = desk.bench.config["os_buffer_bytes"], len(b.os_received)
    frames = [desk.frame(size) for size in (room + 1, room, 64)]
    for data in frames[:2]:
        a.os_send(data)
    await desk.quiet()
    a.os_send(frames[2])
    await desk.quiet()
    assert desk.counted(a) == {"os_tx_too_long": 1, "os_tx_sent": 2}
    assert desk.counted(b) == {"os_rx_kept": 2}
    assert [f.data for f in b.os_received[got:]] == frames[1:]


@scenario
async def os_path(bench):
    bench.connect()
    for node in bench.nodes:
        node.configure(timer_tick=64)
    deliveries, followed = follow_deliveries(bench), follow_lockstep(bench)
    desk = Desk(bench)
    await desk.ttp()
    for part in (reader_stops, switched_off, too_long):
        await part(desk)
    await desk.ttp()
    deliveries.finish()
    for feed in followed:
        feed.finish()
    bench.report("reader stops, path off, a frame too long")
