"""Slot writer, lists, memory and transmit path together, around a pipeline written in Python.

What no single block can show: a slot that is freed and filled again at once never spoils a frame
that is being sent from it, no PAYLOAD starts from a slot that is free, no slot and no credit is
lost.
"""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from tests.streams import simulate
from tests.tx.tx_bench import (
    FrameSink,
    control_bytes,
    host_beats,
    payload_bytes,
    random_control,
)
from ttpoe.config import Config
from ttpoe.layouts import HostResult
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


@pytest.mark.parametrize("width_bits, slots, ready, seed", [
    (64, 4, 0.9, 1), (64, 16, 0.5, 2), (128, 4, 0.3, 3), (256, 8, 0.9, 4), (512, 4, 0.3, 5),
    (512, 4, 0.9, 6), (512, 16, 0.6, 7)])
def test_slots_freed_at_any_moment(width_bits, slots, ready, seed):
    rng = random.Random(seed)
    config = Config(width_bits=width_bits, slots=slots, payload_depth=4, control_depth=8)
    dut = Transmit(config)
    sink = FrameSink(dut.path.o_frame, config.width_bytes)
    width = config.width_bytes
    seen = dict.fromkeys(("killed", "killed_when_started", "freed_while_read",
                          "chain", "control"), 0)
    clocks = 3000 if width_bits == 64 else 2500
    freeing = 0.02 if width_bits == 64 else 0.1        # a frame takes longer then

    async def testbench(ctx):
        hosts = {vc: [] for vc in range(3)}         # beats
        packets = {}                                # node -> bytes; every packet its own node
        queued = []                                 # [descriptor, killed at]
        controls, sent_controls = [], []
        chains = {lid: [] for lid in range(3)}      # (slot, node) linked; one link per VC
        pending_links, results = [], []
        credits = {"payload": config.payload_depth, "control": config.control_depth}
        offering = None
        for clock in range(clocks + 600):
            where = f"seed {seed} clock {clock}"
            draining = clock >= clocks
            for vc in range(3):
                if not hosts[vc] and not draining:
                    length = rng.choice([1, 4, width, 1024, rng.randint(1, 1024),
                                         rng.randint(1, 100)])
                    node = len(packets) + 1
                    packets[node] = rng.randbytes(length)
                    hosts[vc] = host_beats(packets[node], width, node)
                host = dut.writer.i_host[vc]
                ctx.set(host.valid, bool(hosts[vc]))
                if hosts[vc]:
                    ctx.set(host.payload,
                            dict(zip(("data", "keep", "last", "node"), hosts[vc][0])))

            # Q3: at most one of append, free, send per clock.
            append = free = send = control = None
            owned = [lid for lid in chains if chains[lid]]
            choice = rng.random()
            if pending_links:
                lid, slot, node = pending_links.pop(0)
                if chains[lid]:
                    append = (chains[lid][-1][0], slot)
                chains[lid].append((slot, node))
            elif owned and choice < (0.5 if draining else freeing):
                lid = rng.choice(owned)
                whole = rng.random() < 0.2
                count = len(chains[lid]) if whole else 1
                freed, chains[lid] = chains[lid][:count], chains[lid][count:]
                free = {"head": freed[0][0], "tail": freed[-1][0], "count": count, "lid": lid,
                        "whole_link": whole}
                seen["chain"] += count > 1
            elif owned and choice < 0.7 and credits["payload"] and not draining:
                lid = rng.choice(owned)
                slot, node = rng.choice(chains[lid])
                send = {"slot": slot, "lid": lid, "node": node, "vc": lid,
                        "ieee": rng.getrandbits(1), "epoch": rng.getrandbits(16),
                        "tx_id": rng.getrandbits(32)}
                credits["payload"] -= 1
            elif choice > 0.93 and credits["control"] and not draining:
                control = random_control(rng, config.lid_bits)
                controls.append(control)
                credits["control"] -= 1
            lists, path = dut.lists, dut.path
            ctx.set(lists.i_append.valid, append is not None)
            ctx.set(lists.i_free.valid, free is not None)
            ctx.set(path.i_payload.valid, send is not None)
            ctx.set(path.i_control.valid, control is not None)
            if append:
                ctx.set(lists.i_append.payload, {"tail": append[0], "slot": append[1]})
            if free:
                ctx.set(lists.i_free.payload, free)
            if send:
                ctx.set(path.i_payload.payload, send)
                assert ctx.get(path.i_payload.ready), where     # credits are exact
                queued.append([send, None])
            if control:
                ctx.set(path.i_control.payload, control)
                assert ctx.get(path.i_control.ready), where
            for vc in range(3):
                event = dut.writer.o_event[vc]
                ctx.set(event.ready, ctx.get(lists.o_ready))
                if ctx.get(event.valid) and ctx.get(event.ready):
                    pending_links.append((vc, ctx.get(event.payload.slot),
                                          ctx.get(event.payload.node)))
                    results.append((clock + 5, vc))
            done = results and results[0][0] <= clock
            ctx.set(dut.writer.i_result.valid, bool(done))
            if done:
                ctx.set(dut.writer.i_result.payload,
                        {"vc": results.pop(0)[1], "result": HostResult.TAKEN})

            frame_ready = rng.random() < ready
            ctx.set(path.o_frame.ready, frame_ready)
            sink.sample(ctx, clock, frame_ready)
            for vc in range(3):
                host = dut.writer.i_host[vc]
                if ctx.get(host.valid) and ctx.get(host.ready):
                    hosts[vc].pop(0)

            # A free slot that was offered stays offered until it is taken.
            valid, slot = ctx.get(lists.o_slot.valid), ctx.get(lists.o_slot.payload)
            assert offering is None or (valid and slot == offering), where
            offering = slot if valid and not ctx.get(lists.o_slot.ready) else None

            if free:
                reading = ctx.get(path.o_reading)
                seen["freed_while_read"] += bool(
                    reading.valid and reading.slot in [slot for slot, _ in freed])
                for entry in queued:
                    dies = (entry[0]["lid"] == free["lid"] if free["whole_link"]
                            else entry[0]["slot"] == free["head"])
                    if dies and entry[1] is None:
                        entry[1] = clock
            credits["payload"] += ctx.get(path.o_payload_left)
            credits["control"] += ctx.get(path.o_control_left)
            await ctx.tick()

        # What starts is the oldest that is alive: killed in t, its first beat is never in t + 2
        # or later; killed after that, it is sent whole.
        payload_frames = [sent for sent in sink.frames if sent[0][42] == 6]
        assert len(payload_frames) > clocks * width // 10000
        for frame, first_clock, _ in payload_frames:
            while queued and queued[0][1] is not None and queued[0][1] <= first_clock - 2:
                queued.pop(0)
                seen["killed"] += 1
            descriptor, killed_at = queued.pop(0)
            seen["killed_when_started"] += killed_at is not None and killed_at >= first_clock - 1
            expected = payload_bytes(descriptor, NODE, packets[descriptor["node"]])
            assert frame == expected, f"seed {seed}: first beat in clock {first_clock}"
        assert all(killed_at is not None for _, killed_at in queued), f"seed {seed}: lost"
        control_frames = [frame for frame, _, _ in sink.frames if frame[42] != 6]
        seen["control"] = len(control_frames)
        assert control_frames == [control_bytes(c, NODE) for c in controls], f"seed {seed}"
        # The links are empty and nothing waits: every slot and every credit is back.
        assert not any(chains.values()) and not any(hosts.values())
        assert ctx.get(dut.lists.o_free_count) == slots
        assert credits == {"payload": config.payload_depth, "control": config.control_depth}
    simulate(dut, testbench)
    assert all(seen.values()), f"seed {seed} did not reach {seen}"
