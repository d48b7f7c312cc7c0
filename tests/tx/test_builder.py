"""`FrameBuilder`: frames byte by byte as section 1 has them, at every width and length class."""

import random

import pytest

from tests.long import BITS
from tests.streams import receive_packet, send_packet, simulate
from tests.tx.tx_bench import control_bytes, offer_payload, payload_bytes, random_control, words_of
from ttpoe.config import Config
from ttpoe.tx.builder import FrameBuilder

NODE = 0xA1B2C3


def octets(beats, width):
    """The bytes of a frame; `keep` is a run of ones, all ones but in the last beat."""
    for beat in beats:
        count = beat.keep.bit_count()
        assert beat.keep == (1 << count) - 1 and count and not beat.error
        assert beat.last or count == width
    return b"".join(beat.data.to_bytes(width, "little")[: beat.keep.bit_count()] for beat in beats)


@pytest.mark.parametrize("width_bits", BITS)
@pytest.mark.parametrize("pace", [1.0, 0.4])
def test_control_frames(width_bits, pace):
    config, rng = Config(width_bits=width_bits), random.Random(width_bits)
    dut = FrameBuilder(config)
    controls = [random_control(rng, config.lid_bits) for _ in range(30)]
    frames = []

    async def sender(ctx):
        ctx.set(dut.cfg_node, NODE)
        await send_packet(ctx, dut.i_control, controls, pause=lambda: rng.random() < 0.3)

    async def receiver(ctx):
        for _ in controls:
            frames.append(await receive_packet(ctx, dut.o_frame, lambda: rng.random() < pace))

    simulate(dut, sender, receiver)
    for control, frame in zip(controls, frames):
        assert octets(frame, config.width_bytes) == control_bytes(control, NODE)


@pytest.mark.parametrize("width_bits", BITS)
def test_payloads_around_every_boundary(width_bits):
    config, rng = Config(width_bits=width_bits), random.Random(width_bits)
    width, dut = config.width_bytes, FrameBuilder(config)
    lengths = sorted(
        {
            1,
            3,
            4,
            5,
            1023,
            1024,
            *(edge + step for edge in (width, 2 * width) for step in (-1, 0, 1, 3, 4, 5)),
        }
    )
    frame = {
        "slot": 0,
        "lid": 0,
        "node": 0x123456,
        "vc": 2,
        "ieee": 1,
        "epoch": 0x7788,
        "tx_id": 0xDEADBEEF,
    }
    payloads = [rng.randbytes(length) for length in lengths]
    words = [
        {"data": word, "first": number == 0}
        for payload in payloads
        for number, word in enumerate(words_of(payload, width, filler=0xEE))
    ]
    frames = []

    async def sender(ctx):
        ctx.set(dut.cfg_node, NODE)
        await send_packet(ctx, dut.i_word, words)

    async def queue(ctx):
        for payload in payloads:
            await offer_payload(ctx, dut, config, frame, len(payload))

    async def receiver(ctx):
        for _ in payloads:
            frames.append(await receive_packet(ctx, dut.o_frame, lambda: rng.random() < 0.7))

    simulate(dut, sender, queue, receiver)
    for payload, found in zip(payloads, frames):
        assert octets(found, width) == payload_bytes(frame, NODE, payload), len(payload)
