"""`HostBridge`: the host streams of VC 0 as registers, VC 1 and 2 as echoes."""

import pytest

from tests.board.host_beats import beats
from tests.simulated import made
from tests.streams import receive_packet, send_packet, simulate
from ttpoe.board.host_bridge import HostBridge
from ttpoe.config import ConfigError, preset

TINY = preset("tiny")
NODE = 0xABCDEF


def test_the_bridge_sends_and_receives():
    """Beats as they are pushed; a repeat does nothing; what does not fit is refused."""
    dut, got = made(HostBridge, TINY), []

    async def push(ctx, octets, last, turn):
        ctx.set(dut.bridge_low_value, int.from_bytes(octets[:4], "little"))
        ctx.set(dut.bridge_high_value, int.from_bytes(octets[4:], "little"))
        ctx.set(dut.bridge_push_bytes, len(octets))
        ctx.set(dut.bridge_push_last, last)
        ctx.set(dut.bridge_push_turn, turn)
        busy = ctx.get(dut.bridge_push_busy)
        ctx.set(dut.bridge_push_written, not busy)
        await ctx.tick()
        ctx.set(dut.bridge_push_written, 0)
        assert ctx.get(dut.bridge_turns_push) == (not turn if busy else turn)
        return busy

    async def software(ctx):
        ctx.set(dut.bridge_node_node, NODE)
        assert not await push(ctx, b"12345678", 0, 1)
        assert not await push(ctx, b"12345678", 0, 1)  # a repeat
        assert await push(ctx, b"9ab", 0, 0)  # not whole, and not the last
        assert await push(ctx, b"", 1, 0)
        assert not await push(ctx, b"9ab", 1, 0)
        await ctx.tick().repeat(3)
        octets = b"12345678" + b"9ab"
        got.extend(await receive_packet(ctx, dut.o[0]))
        assert [(b.data, b.keep, b.last, b.node) for b in got] == [
            tuple(beat.values()) for beat in beats(octets, node=NODE)
        ]
        turn = 1
        for _ in range(128):  # as many as it holds
            assert not await push(ctx, b"12345678", 1, turn)
            turn ^= 1
            await ctx.tick()
        assert await push(ctx, b"12345678", 1, turn)

    simulate(dut, software)


def test_the_bridge_has_beats_of_8_bytes():
    with pytest.raises(ConfigError, match="width_bits must be 64 with the application bridge"):
        HostBridge(TINY.replace(width_bits=128))


def test_the_bridge_hands_over():
    dut, octets = made(HostBridge, TINY), bytes(range(1, 20))

    async def engine(ctx):
        await send_packet(ctx, dut.i[0], beats(octets, node=NODE, id=3))

    async def software(ctx):
        ctx.set(dut.bridge_pop_turn, 1)
        assert ctx.get(dut.bridge_pop_busy) and not ctx.get(dut.bridge_head_bytes)
        await ctx.tick().repeat(10)
        taken, turn = b"", 0
        for number in range(3):
            ctx.set(dut.bridge_pop_turn, not turn)
            assert not ctx.get(dut.bridge_pop_busy) and ctx.get(dut.bridge_head_node) == NODE
            assert ctx.get(dut.bridge_head_last) == (number == 2)
            words = ctx.get(dut.bridge_data_low_value), ctx.get(dut.bridge_data_high_value)
            data = b"".join(word.to_bytes(4, "little") for word in words)
            taken += data[: ctx.get(dut.bridge_head_bytes)]
            turn ^= 1
            for _repeat in range(2):
                ctx.set(dut.bridge_pop_turn, turn)
                ctx.set(dut.bridge_pop_written, 1)
                await ctx.tick()
                ctx.set(dut.bridge_pop_written, 0)
                await ctx.tick().repeat(2)
            assert ctx.get(dut.bridge_turns_pop) == turn
        ctx.set(dut.bridge_pop_turn, not turn)
        assert ctx.get(dut.bridge_pop_busy) and not ctx.get(dut.bridge_head_bytes)
        assert taken == octets

    simulate(dut, engine, software)


@pytest.mark.parametrize("vc", [1, 2])
def test_the_other_vcs_are_echoes(vc):
    dut, octets = made(HostBridge, TINY), bytes(range(11))

    async def engine(ctx):
        await send_packet(ctx, dut.i[vc], beats(octets, node=NODE, id=3))

    async def back(ctx):
        got = await receive_packet(ctx, dut.o[vc])
        assert [(b.data, b.keep, b.last, b.node) for b in got] == [
            tuple(beat.values()) for beat in beats(octets, node=NODE)
        ]
        assert not ctx.get(dut.o[0].valid) and not ctx.get(dut.bridge_head_bytes)

    simulate(dut, engine, back)
