"""The traffic of `ttpoe demo`: two NICs send all they can over a bad wire, with samples on the way.

Parameters: `seconds` of real time, or `clocks`; `loss`. Every `SAMPLE_CLOCKS` a line of JSON goes
to `samples.jsonl`; a file `stop` beside it ends the run early. At the end everything sent must have
arrived exactly once, in order, and every slot must be free.
"""

import json
import time
from collections import Counter, deque
from math import log2
from pathlib import Path

from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_deliveries
from ttpverif.frames.network import Channel

RUNS = []  # not one of `ttpoe sim`'s
SAMPLE_CLOCKS, ROUND_CLOCKS = 1_000, 2_048
DRAIN_SAMPLES = 1_000
BINS_PER_OCTAVE = 4
_QUEUED = 6  # payloads that wait at each host, per VC
_VCS = (0, 1, 2)


class _Latency:
    """Clocks from the last beat in at one host to the last beat out at the other, in bins."""

    def __init__(self, bench):
        self.bins = Counter()
        self._waiting = {}
        for node in bench.nodes:
            node.listeners.append(lambda kind, record, node=node: self._listen(kind, record, node))

    def _listen(self, kind, record, node):
        if kind == "sent":
            key = node.address, record.node, record.vc
            self._waiting.setdefault(key, deque()).append(record.last_cycle)
        elif kind == "received":
            sent = self._waiting[record.node, node.address, record.vc].popleft()
            self.bins[int(BINS_PER_OCTAVE * log2(max(1, record.last_cycle - sent)))] += 1


class _Traffic:
    """Keeps every host stream of both NICs supplied."""

    def __init__(self, bench):
        self._bench, self._rng = bench, bench.rng("traffic")
        self.bytes = [0, 0]
        for index, node in enumerate(bench.nodes):
            node.listeners.append(
                lambda kind, record, index=index: self._count(kind, record, index)
            )

    def _count(self, kind, record, index):
        if kind == "received":
            self.bytes[1 - index] += len(record.data)

    def waiting(self):
        """Something lies at a host and has not gone in yet."""
        return any(node.sources[f"s_host_tx{vc}"].busy for node in self._bench.nodes for vc in _VCS)

    def supply(self):
        a, b = self._bench.nodes
        for node, peer in ((a, b), (b, a)):
            for vc in _VCS:
                queue = node.sources[f"s_host_tx{vc}"].queue
                while len(queue) < _QUEUED:
                    size = self._rng.choice((64, 256, 700, 1024))
                    node.send(peer.address, vc, self._rng.randbytes(size))


def _sample(bench, started, traffic, channels, latency):
    counts = [node.counts() for node in bench.nodes]

    def total(*names):
        return sum(count[name] for count in counts for name in names)

    slots = bench.config["slots"]
    return {
        "cycle": bench.cycle,
        "seconds": round(time.monotonic() - started, 3),
        "bytes": list(traffic.bytes),
        "frames": total("tx_payload", "tx_control"),
        "lost": sum(
            channel.counters["lost"] + channel.counters["corrupted"] for channel in channels
        ),
        "replays": total("payload_replayed"),
        "kept": total("kept", "kept_nacked"),
        "slots_used": [slots - node.level("free_slots") for node in bench.nodes],
        "slots": slots,
        "latency": dict(latency.bins),
    }


@scenario
async def demo(bench):
    loss, folder = bench.params["loss"], Path(bench.params["folder"])
    channels = [
        Channel(
            bench.rng(f"{way} wire").getrandbits(32),
            loss=loss,
            corrupt=loss / 4,
            duplicate=loss / 4,
            reorder=loss / 4,
            delay_cycles=(60, 120),
            reorder_cycles=400,
        )
        for way in ("a to b", "b to a")
    ]
    bench.connect(*channels)
    for node in bench.nodes:
        # A round of the timer must be longer than the way there and back.
        node.configure(timer_tick=max(16, ROUND_CLOCKS // bench.config["links"]), max_retry=0)
    deliveries, latency, traffic = follow_deliveries(bench), _Latency(bench), _Traffic(bench)
    started, clocks = time.monotonic(), bench.params.get("clocks")
    with open(folder / "samples.jsonl", "w") as file:

        def note():
            sample = _sample(bench, started, traffic, channels, latency)
            file.write(json.dumps(sample) + "\n")
            file.flush()
            return sample

        while True:
            sample = note()
            over = (
                sample["cycle"] >= clocks
                if clocks
                else sample["seconds"] >= bench.params["seconds"]
            )
            if over or (folder / "stop").exists():
                break
            traffic.supply()
            await bench.cycles(SAMPLE_CLOCKS)
        for _ in range(DRAIN_SAMPLES):
            if not any(note()["slots_used"]) and not traffic.waiting():
                break
            await bench.cycles(SAMPLE_CLOCKS)
        else:
            raise AssertionError("not everything was delivered and acknowledged in time")
        await bench.cycles(SAMPLE_CLOCKS)
        sample = note()
    deliveries.finish()
    assert sample["lost"] < 20 or sample["replays"], "a bad wire and no replay"
    bench.record("delivered", sum(len(node.received) for node in bench.nodes))
