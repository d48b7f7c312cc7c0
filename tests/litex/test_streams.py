"""LiteEth's `last_be` for `keep` and back, in Migen's simulator, at every width and length."""

import pytest

pytest.importorskip("liteeth", reason="LiteX is missing: pip install litex liteeth")

from litex.gen import LiteXModule, run_simulation

from tests.long import BITS
from ttpoe.config import preset
from ttpoe.litex.streams import FromLiteEth, ToLiteEth


def config_of(width):
    return preset("tiny").replace(width_bits=width)


class Loop(LiteXModule):
    """Frames to LiteEth's form, and back."""

    def __init__(self, config):
        self.to, self.back = ToLiteEth(config), FromLiteEth(config)
        self.comb += self.to.source.connect(self.back.sink)


@pytest.mark.parametrize("width", BITS)
def test_every_length_of_the_last_beat(width):
    """One bit marks the last byte, in the last beat alone; `keep` comes back as it was."""
    loop, count = Loop(config_of(width)), width // 8

    def bench():
        yield loop.to.sink.valid.eq(1)
        for last in (0, 1):
            yield loop.to.sink.last.eq(last)
            for length in range(1, count + 1) if last else [count]:
                yield loop.to.sink.keep.eq((1 << length) - 1)
                yield
                assert (yield loop.to.source.last_be) == (1 << length - 1 if last else 0)
                assert (yield loop.back.source.keep) == (1 << length) - 1
                assert (yield loop.back.source.last) == last
                assert (yield loop.back.source.data) == (yield loop.to.sink.data)

    run_simulation(loop, bench())


def test_an_error_of_any_byte_spoils_its_frame():
    """LiteEth may say it in any beat; the NIC looks at the last."""
    port = FromLiteEth(config_of(64))

    def beat(error=0, last=0, ready=1):
        yield port.sink.error.eq(error)
        yield port.sink.last.eq(last)
        yield port.source.ready.eq(ready)
        yield
        return (yield port.source.error)

    def bench():
        yield port.sink.valid.eq(1)
        for byte in range(8):
            assert (yield from beat(1 << byte))
            assert (yield from beat())
            assert (yield from beat(last=1, ready=0))
            assert (yield from beat(last=1))
            assert not (yield from beat())
            assert not (yield from beat(last=1))
            assert (yield from beat(1 << byte, last=1))
            assert not (yield from beat(last=1))

    run_simulation(port, bench())


def test_an_error_goes_out_with_the_last_byte():
    port = ToLiteEth(config_of(64))

    def bench():
        for last in (0, 1):
            yield port.sink.error.eq(1)
            yield port.sink.last.eq(last)
            yield
            assert (yield port.source.error) == 0xFF * last

    run_simulation(port, bench())
