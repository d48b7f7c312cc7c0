"""Slot writer, lists, memory and transmit path together, around a pipeline written in Python.

What no single block can show: a slot that is freed and filled again at once never spoils a frame
that is being sent from it, no PAYLOAD starts from a slot that is free, no slot and no credit is
lost.
"""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from tests.long import long_case
from tests.streams import simulate
from tests.tx.tx_bench import FrameSink, control_bytes, host_beats, payload_bytes, random_control
from ttpoe.config import Config
from ttpoe.layouts import HostResult
from ttpoe.protocol import FIELDS, Opcode
from ttpoe.replay.lists import SlotLists
from ttpoe.replay.memory import ReplayMemory
from ttpoe.tx.path import TxPath
from ttpoe.tx.slot_writer import SlotWriter

NODE = 0x00FFEE


class Transmit(Elaboratable):
    """The four blocks, joined as in the engine."""

    def __init__(self, config):
        self.writer, self.lists = SlotWriter(config), SlotLists(config)
        self.memory, self.path = ReplayMemory(config), TxPath(config)

    def elaborate(self, platform):
        m = Module()
        writer, lists, memory, path = self.writer, self.lists, self.memory, self.path
        m.submodules += [writer, lists, memory, path]
        wiring.connect(m, lists.o_slot, writer.i_slot)
        wiring.connect(m, writer.o_write, memory.i_write)
        wiring.connect(m, path.word, memory.word)
        wiring.connect(m, path.length, memory.length)
        m.d.comb += [
            lists.i_reading.eq(path.o_reading),
            path.i_free.valid.eq(lists.i_free.valid),
            path.i_free.payload.eq(lists.i_free.payload),
            path.cfg_node.eq(NODE),
        ]
        return m


class Pipeline:
    """Hosts, links and Q3 around `Transmit`: at most one of append, free, send per clock.

    VC and link are one number here; every packet goes to a node of its own.
    """

    def __init__(self, ctx, dut, config, rng, freeing):
        self.ctx, self.dut, self.config, self.rng, self.freeing = ctx, dut, config, rng, freeing
        self.hosts = {vc: [] for vc in range(3)}  # beats still to be offered
        self.packets = {}  # node -> bytes
        self.queued = []  # [descriptor, killed at]
        self.controls = []
        self.chains = {lid: [] for lid in range(3)}  # (slot, node) linked
        self.pending_links, self.results = [], []
        self.credits = {"payload": config.payload_depth, "control": config.control_depth}
        self.offering = None
        self.seen = dict.fromkeys(
            ("killed", "killed_when_started", "freed_while_read", "chain", "control"), 0
        )

    def offer(self, draining):
        """What the hosts offer in this clock."""
        ctx, rng, width = self.ctx, self.rng, self.config.width_bytes
        for vc, beats in self.hosts.items():
            if not beats and not draining:
                length = rng.choice([1, 4, width, 1024, rng.randint(1, 1024), rng.randint(1, 100)])
                node = len(self.packets) + 1
                self.packets[node] = rng.randbytes(length)
                beats = self.hosts[vc] = host_beats(self.packets[node], width, node)
            host = self.dut.writer.i_host[vc]
            ctx.set(host.valid, bool(beats))
            if beats:
                ctx.set(host.payload, dict(zip(("data", "keep", "last", "node"), beats[0])))

    def decide(self, draining):
        """What Q3 does in this clock: {"append" | "free" | "send" | "control": what}."""
        rng, chains, credits = self.rng, self.chains, self.credits
        owned = [lid for lid in chains if chains[lid]]
        choice = rng.random()
        if self.pending_links:
            lid, slot, node = self.pending_links.pop(0)
            before = chains[lid][-1:]
            chains[lid].append((slot, node))
            return {"append": {"tail": before[0][0], "slot": slot}} if before else {}
        if owned and choice < (0.5 if draining else self.freeing):
            lid = rng.choice(owned)
            whole = rng.random() < 0.2
            count = len(chains[lid]) if whole else 1
            self.freed, chains[lid] = chains[lid][:count], chains[lid][count:]
            self.seen["chain"] += count > 1
            return {
                "free": {
                    "head": self.freed[0][0],
                    "tail": self.freed[-1][0],
                    "count": count,
                    "lid": lid,
                    "whole_link": whole,
                }
            }
        if owned and choice < 0.7 and credits["payload"] and not draining:
            lid = rng.choice(owned)
            slot, node = rng.choice(chains[lid])
            credits["payload"] -= 1
            return {
                "send": {
                    "slot": slot,
                    "lid": lid,
                    "node": node,
                    "vc": lid,
                    "ieee": rng.getrandbits(1),
                    "epoch": rng.getrandbits(16),
                    "tx_id": rng.getrandbits(32),
                }
            }
        if choice > 0.93 and credits["control"] and not draining:
            credits["control"] -= 1
            return {"control": random_control(rng, self.config.lid_bits)}
        return {}

    def carry_out(self, decided, where):
        """Drives it; both queues must have room: credits are exact."""
        ctx, lists, path = self.ctx, self.dut.lists, self.dut.path
        for name, port in (
            ("append", lists.i_append),
            ("free", lists.i_free),
            ("send", path.i_payload),
            ("control", path.i_control),
        ):
            ctx.set(port.valid, name in decided)
            if name in decided:
                ctx.set(port.payload, decided[name])
        if "send" in decided:
            assert ctx.get(path.i_payload.ready), where
            self.queued.append([decided["send"], None])
        if "control" in decided:
            assert ctx.get(path.i_control.ready), where
            self.controls.append(decided["control"])

    def take_events(self, clock):
        """Packets that are whole become the link's; the host is told five clocks later."""
        ctx, writer = self.ctx, self.dut.writer
        for vc in range(3):
            event = writer.o_event[vc]
            ctx.set(event.ready, ctx.get(self.dut.lists.o_ready))
            if ctx.get(event.valid) and ctx.get(event.ready):
                self.pending_links.append(
                    (vc, ctx.get(event.payload.slot), ctx.get(event.payload.node))
                )
                self.results.append((clock + 5, vc))
        done = self.results and self.results[0][0] <= clock
        ctx.set(writer.i_result.valid, bool(done))
        if done:
            ctx.set(
                writer.i_result.payload, {"vc": self.results.pop(0)[1], "result": HostResult.TAKEN}
            )

    def observe(self, decided, clock, where):
        """What was taken, killed and given back in this clock."""
        ctx, lists, path = self.ctx, self.dut.lists, self.dut.path
        for vc in range(3):
            host = self.dut.writer.i_host[vc]
            if ctx.get(host.valid) and ctx.get(host.ready):
                self.hosts[vc].pop(0)
        # A free slot that was offered stays offered until it is taken.
        valid, slot = ctx.get(lists.o_slot.valid), ctx.get(lists.o_slot.payload)
        assert self.offering is None or (valid and slot == self.offering), where
        self.offering = slot if valid and not ctx.get(lists.o_slot.ready) else None
        if "free" in decided:
            free, reading = decided["free"], ctx.get(path.o_reading)
            self.seen["freed_while_read"] += bool(
                reading.valid and reading.slot in [slot for slot, _ in self.freed]
            )
            for entry in self.queued:
                dies = (
                    entry[0]["lid"] == free["lid"]
                    if free["whole_link"]
                    else entry[0]["slot"] == free["head"]
                )
                if dies and entry[1] is None:
                    entry[1] = clock
        self.credits["payload"] += ctx.get(path.o_payload_left)
        self.credits["control"] += ctx.get(path.o_control_left)

    def check_frames(self, frames, least, seed):
        """What starts is the oldest that is alive: killed in t, its first beat is never in t + 2
        or later; killed after that, it is sent whole."""
        opcode = FIELDS["opcode"].offset
        payload_frames = [sent for sent in frames if sent[0][opcode] == Opcode.PAYLOAD.value]
        assert len(payload_frames) > least
        for frame, first_clock, _ in payload_frames:
            while (
                self.queued
                and self.queued[0][1] is not None
                and self.queued[0][1] <= first_clock - 2
            ):
                self.queued.pop(0)
                self.seen["killed"] += 1
            descriptor, killed_at = self.queued.pop(0)
            self.seen["killed_when_started"] += (
                killed_at is not None and killed_at >= first_clock - 1
            )
            expected = payload_bytes(descriptor, NODE, self.packets[descriptor["node"]])
            assert frame == expected, f"seed {seed}: first beat in clock {first_clock}"
        assert all(killed_at is not None for _, killed_at in self.queued), f"seed {seed}: lost"
        control_frames = [frame for frame, _, _ in frames if frame[opcode] != Opcode.PAYLOAD.value]
        self.seen["control"] = len(control_frames)
        assert control_frames == [control_bytes(c, NODE) for c in self.controls], f"seed {seed}"

    def check_end(self):
        """The links are empty and nothing waits: every slot and every credit is back."""
        config = self.config
        assert not any(self.chains.values()) and not any(self.hosts.values())
        assert self.ctx.get(self.dut.lists.o_free_count) == config.slots
        assert self.credits == {"payload": config.payload_depth, "control": config.control_depth}


@pytest.mark.parametrize(
    "width_bits, slots, ready, seed",
    [
        (64, 4, 0.9, 1),
        long_case(64, 16, 0.5, 2),
        long_case(128, 4, 0.3, 3),
        long_case(256, 8, 0.9, 4),
        long_case(512, 4, 0.3, 5),
        (512, 4, 0.9, 6),
        long_case(512, 16, 0.6, 7),
    ],
)
def test_slots_freed_at_any_moment(width_bits, slots, ready, seed):
    rng = random.Random(seed)
    config = Config(width_bits=width_bits, slots=slots, payload_depth=4, control_depth=8)
    dut = Transmit(config)
    sink = FrameSink(dut.path.o_frame, config.width_bytes)
    clocks = 3000 if width_bits == 64 else 2500
    freeing = 0.02 if width_bits == 64 else 0.1  # a frame takes longer then

    async def testbench(ctx):
        around = Pipeline(ctx, dut, config, rng, freeing)
        for clock in range(clocks + 600):
            where, draining = f"seed {seed} clock {clock}", clock >= clocks
            around.offer(draining)
            decided = around.decide(draining)
            around.carry_out(decided, where)
            around.take_events(clock)
            frame_ready = rng.random() < ready
            ctx.set(dut.path.o_frame.ready, frame_ready)
            sink.sample(ctx, clock, frame_ready)
            around.observe(decided, clock, where)
            await ctx.tick()
        around.check_frames(sink.frames, clocks * config.width_bytes // 10000, seed)
        around.check_end()
        assert all(around.seen.values()), f"seed {seed} did not reach {around.seen}"

    simulate(dut, testbench)
