"""The bench: one coroutine that runs the pair, and the decorator for scenarios.

A scenario is an async function of one argument, the bench:

    from ttpverif.bench.bench import scenario

    RUNS = [{"sim": "verilator", "preset": "tiny", "params": {"payloads": 20}}]

    @scenario
    async def one_way(bench):
        a, b = bench.a, bench.b
        bench.connect()                                  # a perfect wire, both ways
        for number in range(bench.params["payloads"]):
            a.send(b.address, 2, bytes([number]) * 100)
        await bench.until(lambda: len(b.received) == 20, 10_000, "20 payloads")
        assert [p.data[0] for p in b.received] == list(range(20))

Around it the bench resets the engines, waits until both say they are ready, and at the end (also
of a failure) writes the captures and the summary. Everything random comes from `bench.rng(name)`,
which depends on the run's seed and the name only.
"""

import functools
import json
import os
import random
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Event, FallingEdge, RisingEdge

from ..frames.pcap import PcapWriter
from .node import Node
from .pair import CYCLE_BITS, PairLayout
from .ports import BenchError, reader, write_now, writer
from .story import Story

__all__ = ["Bench", "BenchError", "scenario", "PerfectChannel"]

ADDRESSES = {"a": 0x000001, "b": 0x000002}
DEFAULTS = {
    "enable": 1,
    "selective": 1,
    "congestion": 1,
    "os_enable": 1,
    "init_id": 1,
    "timer_tick": 16,
    "max_retry": 8,
    "idle_limit": 0,
}
CLOCK_NS = 8  # 125 MHz; only captures and waveforms show it
_NEVER = (1 << CYCLE_BITS) - 1


class PerfectChannel:
    """A wire of `delay_cycles` that changes nothing; the interface of every network model."""

    def __init__(self, delay_cycles=0):
        self.delay_cycles = delay_cycles
        self._frames = []

    def push(self, frame, now_cycle):
        """A frame has left its sender."""
        self._frames.append((now_cycle + self.delay_cycles, frame))

    def pop(self, now_cycle):
        """`[(frame, bad FCS)]` of those that have arrived by now."""
        arrived = [(frame, False) for due, frame in self._frames if due <= now_cycle]
        self._frames = [entry for entry in self._frames if entry[0] > now_cycle]
        return arrived

    @property
    def next_time(self):
        """The cycle of the next arrival, or None."""
        return min((due for due, _frame in self._frames), default=None)


class _Wait:
    def __init__(self, condition, deadline, poll):
        self.condition, self.deadline, self.poll = condition, deadline, poll
        self.event, self.late = Event(), False


class Bench:
    """Two engines and the wire between them.

    Attributes
    ----------
    a, b : Node
    cycle : int
        Rising edges so far, up to the last one at which something happened.
    params : dict
        Parameters of this run.
    seed : int
    buses : dict
        What was attached to an engine for the whole run, by the engine's name.
    config : dict
        Sizes of the engine: fields of `ttpoe.config.Config`, and `links`.
    """

    def __init__(self, dut, layout, seed=0, params=None, config=None):
        self.dut, self.seed, self.params = dut, seed, params or {}
        self.config = config or {}
        self.remark, self.records = "", {}
        self.buses = {}
        self.cycle = 0
        self.a = Node(self, "a", layout, ADDRESSES["a"])
        self.b = Node(self, "b", layout, ADDRESSES["b"])
        self.nodes = (self.a, self.b)
        self._channels, self._carriers = [], []
        self._waits = []
        self._read_status = reader(dut.status)
        self._write_wake = writer(dut.wake_at)
        self._wake_at = None
        self._kicked = False
        self._streams = len(layout.streams)
        self._task = None
        self.failure, self._survives = None, False

    # ---- for scenarios ------------------------------------------------------------------------

    def rng(self, name):
        """A random generator of its own for each name, the same in every run of one seed."""
        return random.Random(f"{self.seed}/{name}")

    def connect(self, a_to_b=None, b_to_a=None):
        """Join the MACs by two channels (`ttpverif.frames.network.Channel`); default: perfect wires.
        Called again, it takes the first wires away with all that is on them."""
        for node, carry in self._carriers:
            node.listeners.remove(carry)
        self._channels, self._carriers = [], []
        for source, channel, sink in ((self.a, a_to_b, self.b), (self.b, b_to_a, self.a)):
            channel = PerfectChannel() if channel is None else channel

            def carry(kind, record, channel=channel):
                if kind == "frame_out":
                    channel.push(record.data, self.cycle)

            source.listeners.append(carry)
            self._carriers.append((source, carry))
            self._channels.append((channel, sink))

    def report(self, remark):
        """A few words for the table of results."""
        self.remark = remark

    def record(self, name, value):
        """A measurement for `results.json`."""
        self.records[name] = value

    async def until(self, condition, limit_cycles, what="the condition", poll=False):
        """Wait until `condition()` is true; `BenchError` after `limit_cycles`.

        It is asked after every clock in which anything happened at a port, or after every clock
        with `poll`, which levels such as `free_slots` need.
        """
        if condition():
            return
        wait = await self._wait(condition, self._now() + limit_cycles, poll)
        if wait.late:
            raise BenchError(f"not within {limit_cycles} cycles (cycle {self.cycle}): {what}")

    async def cycles(self, count):
        """Wait for `count` clocks."""
        await self._wait(lambda: False, self._now() + count, False)

    async def _wait(self, condition, deadline, poll):
        if self.failure is not None:
            raise self.failure
        wait = _Wait(condition, deadline, poll)
        self._waits.append(wait)
        self.kick()
        await wait.event.wait()
        if self.failure is not None:
            raise self.failure
        return wait

    def survive(self):
        """From now on an error of a listener or monitor ends no run: whoever waits gets it, and
        after this is called again (and a reset) the bench can be used further."""
        if self._task is not None:
            self._task.cancel()
        self.failure, self._survives = None, True
        self._waits.clear()
        self._wake_at = 0
        self._write_wake(0)
        self._task = cocotb.start_soon(self._run())

    def now(self):
        """Rising edges so far, whether anything happened at them or not."""
        return self._now()

    async def reset(self, cycles=4, nodes=None):
        """Reset both engines, or only `nodes`, and wait until they are ready. Records and counts
        are kept; what is on the wire between them still arrives."""
        nodes = self.nodes if nodes is None else nodes
        for node in nodes:
            node.clear()
            write_now(node.signal("rst"), 1)
        await self.cycles(cycles)
        for node in nodes:
            node.clear()  # the wire may have brought something meanwhile
            write_now(node.signal("rst"), 0)
        await self.ready()

    async def ready(self):
        """Wait until both engines have initialised their memories."""
        if "ready" in self.a.layout.outputs:
            await self.until(
                lambda: all(node.level("ready") for node in self.nodes),
                100_000,
                "both engines ready after reset",
                poll=True,
            )

    def kick(self):
        """Something new is queued: look at the next clock."""
        self._kicked = True
        if self._wake_at:
            self._wake_at = 0
            self._write_wake(0)

    # ---- running ------------------------------------------------------------------------------

    async def start(self):
        """Drive every input, start the clock, release the reset, start watching."""
        for node in self.nodes:
            for stream in node.layout.streams:
                if stream.is_input:
                    write_now(node.signal(f"{stream.name}_in"), 0)
            for name in ("flat", "ready_in", "rst"):
                write_now(node.signal(name), 0)
            for name in node.layout.inputs:
                write_now(node.signal(name), 0)
            known = {
                name: value
                for name, value in DEFAULTS.items()
                if f"cfg_{name}" in node.layout.inputs
            }
            seed = self.rng(f"{node.name}.seed").getrandbits(32)
            if "cfg_node" in node.layout.inputs:
                node.configure(node=node.address, **known)
            if "cfg_open_id_seed" in node.layout.inputs:
                node.configure(open_id_seed=seed)
            if "node" in node.layout.inputs:  # behind registers
                write_now(node.signal("node"), node.address)
                write_now(node.signal("open_id_seed"), seed)
            if "cfg_link_slots" in node.layout.inputs:
                node.configure(link_slots=(1 << node.layout.inputs["cfg_link_slots"]) >> 1)
        self._write_wake(_NEVER)
        write_now(self.dut.rst, 1)
        write_now(self.dut.clk, 0)
        Clock(self.dut.clk, CLOCK_NS, unit="ns", impl="gpi").start(start_high=False)
        for _ in range(4):  # not by falling edges: X to 0 is one, in some simulators
            await RisingEdge(self.dut.clk)
        await FallingEdge(self.dut.clk)
        write_now(self.dut.rst, 0)
        self._wake_at = 0
        self._write_wake(0)
        self._task = cocotb.start_soon(self._run())
        await self.ready()

    def _now(self):
        return self._read_status() >> (2 * self._streams + 1)

    async def _run(self):
        try:
            await self._follow()
        except Exception as error:
            if not self._survives:
                raise
            self.failure = error
            for wait in self._waits:
                wait.event.set()

    async def _follow(self):
        tick = self.dut.tick.value_change
        shift, mask = self._streams, (1 << self._streams) - 1
        read, a, b = self._read_status, self.a, self.b
        while True:
            await tick
            self._kicked = False
            status = read()
            self.cycle = cycle = status >> (2 * shift + 1)
            if status >> 2 * shift & 1:
                self._raise_violation()
            soon = a.step(cycle, status & mask)
            soon |= b.step(cycle, status >> shift & mask)
            wake_at = cycle + 1 if soon else _NEVER
            for channel, sink in self._channels:
                wake_at = min(wake_at, self._carry(channel, sink, cycle))
            for wait in self._waits[:]:
                wake_at = min(wake_at, self._ask(wait, cycle))
            if self._kicked or wake_at <= cycle + 1:
                wake_at = 0
            if wake_at != self._wake_at:
                self._wake_at = wake_at
                self._write_wake(wake_at)

    def _carry(self, channel, sink, cycle):
        """Let what has arrived in; returns when to look again."""
        arrived = channel.pop(cycle)
        for frame, bad in arrived:
            sink.play(frame, bad)
        due = channel.next_time
        return cycle + 1 if arrived else _NEVER if due is None else due

    def _ask(self, wait, cycle):
        """Is this wait over? Returns when to look again."""
        met = wait.condition()
        if met or cycle >= wait.deadline:
            wait.late = not met
            self._waits.remove(wait)
            wait.event.set()
            return cycle + 1
        return cycle + 1 if wait.poll else wait.deadline

    def _raise_violation(self):
        broken = [f"{port}: {rule}" for node in self.nodes for port, rule in node.violations()]
        raise BenchError(f"stream contract broken by cycle {self.cycle}: " + "; ".join(broken))

    def finish(self, folder, started):
        """Write captures and summary of the run into `folder`."""
        sent = sorted(
            (frame.first_cycle, frame.data) for node in self.nodes for frame in node.frames_out
        )
        wires = {
            "wire": sent,
            **{
                f"{node.name}_rx": [(frame.first_cycle, frame.data) for frame in node.frames_in]
                for node in self.nodes
            },
        }
        for name, frames in wires.items():
            with PcapWriter(folder / f"{name}.pcap", CLOCK_NS) as file:
                for cycle, data in frames:
                    file.write(data, cycle)
        seconds = time.monotonic() - started
        cycles = self._now()
        summary = {
            "frames": len(sent),
            "clocks": cycles,
            "seconds": round(seconds, 3),
            "clocks_per_second": round(cycles / max(seconds, 1e-9)),
            "remark": self.remark,
            **self.records,
            "counts": {node.name: node.counts() for node in self.nodes},
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")


def scenario(function):
    """Make a cocotb test of `async function(bench)`; its parameters come from
    `ttpsim.scenario.run`."""

    @functools.wraps(function)
    async def test(dut):
        run = json.loads(Path(os.environ["TTP_RUN"]).read_text())
        layout = PairLayout.from_dict(json.loads(Path(run["layout"]).read_text()))
        bench = Bench(dut, layout, run["seed"], run["params"], run["config"])
        started, folder = time.monotonic(), Path(run["folder"])
        story = Story(bench, folder / "trace.txt") if run.get("trace") else None
        try:
            await bench.start()
            await function(bench)
        finally:
            if story:
                story.close()
            bench.finish(folder, started)

    del test.__wrapped__  # cocotb must see the argument `dut`
    return cocotb.test(test)
