"""An echo server in Amaranth: what comes in on a VC goes back to where it came from.

    python examples/amaranth/echo.py              two nodes in Amaranth's simulator
    python examples/amaranth/echo.py -o echo.v    its Verilog

`Echo` instantiates the managed NIC, takes the streams that it uses, and hands the others on.
"""

import argparse
import random
from pathlib import Path

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ttpoe.config import preset
from ttpoe.layouts import beat_layout, event_signature, host_rx_layout, host_tx_layout
from ttpoe.nic.managed import ManagedNic
from ttpoe.nic.seed import BootSeed
from ttpoe.verilog.emit import emit_verilog, write

VCS = (0, 1, 2)


class Echo(wiring.Component):
    """A node without software: every payload goes back to its source, on its VC.

    Members
    -------
    i_mac : In(event of beat), o_mac : Out(stream of beat)
        The MAC.
    i_node : In(24)
        As in `ManagedNic`.

    The NIC's seed must differ at every start. `seed` makes it: by default from an ECP5's own
    oscillator. The NIC is in reset until it is made.
    """

    def __init__(self, config, seed=None):
        self._config, self._seed = config, seed or BootSeed("ecp5")
        super().__init__(
            {
                "i_mac": In(event_signature(beat_layout(config))),
                "o_mac": Out(stream.Signature(beat_layout(config))),
                "i_node": In(24),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.seed = seed = self._seed
        nic = ManagedNic(self._config)
        m.submodules.nic = ResetInserter(~seed.o_ready)(nic)
        wiring.connect(m, wiring.flipped(self.i_mac), nic.i_mac)
        wiring.connect(m, nic.o_mac, wiring.flipped(self.o_mac))
        m.d.comb += [nic.i_node.eq(self.i_node), nic.i_open_id_seed.eq(seed.o_seed)]
        for vc in VCS:
            received, sent = nic.o_host[vc], nic.i_host[vc]
            m.d.comb += [
                sent.valid.eq(received.valid),
                received.ready.eq(sent.ready),
                sent.p.data.eq(received.p.data),
                sent.p.keep.eq(received.p.keep),
                sent.p.last.eq(received.p.last),
                sent.p.node.eq(received.p.node),  # its source is where it goes to
            ]
        # No operating system: what it would get is thrown away. Registers stay as they are.
        m.d.comb += nic.o_os.ready.eq(1)
        return m


class KnownSeed(wiring.Component):
    """In the place of `BootSeed` in a simulation, where every start shall be the same."""

    def __init__(self, seed):
        self._value = seed
        super().__init__({"o_seed": Out(32), "o_ready": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.o_seed.eq(self._value), self.o_ready.eq(1)]
        return m


class Wire(wiring.Component):
    """The echo and a client's NIC on one cable; the client's host streams of VC 2 lead out."""

    def __init__(self, config):
        self._config = config
        self.client = ManagedNic(config)
        super().__init__(
            {
                "i_host": In(stream.Signature(host_tx_layout(config))),
                "o_host": Out(stream.Signature(host_rx_layout(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.echo = echo = Echo(self._config, KnownSeed(0x2222))
        m.submodules.client = client = self.client
        for source, sink in ((echo, client), (client, echo)):
            m.d.comb += [
                sink.i_mac.valid.eq(source.o_mac.valid),
                sink.i_mac.payload.eq(source.o_mac.payload),
                source.o_mac.ready.eq(1),
            ]
        wiring.connect(m, wiring.flipped(self.i_host), client.i_host[2])
        wiring.connect(m, client.o_host[2], wiring.flipped(self.o_host))
        # Constant seeds, in a simulation only.
        m.d.comb += [echo.i_node.eq(2), client.i_node.eq(1), client.i_open_id_seed.eq(0x1111)]
        return m


def beats_of(payload, width_bytes):
    """`(data, keep, last)` of each beat of a payload."""
    for start in range(0, len(payload), width_bytes):
        part = payload[start : start + width_bytes]
        yield (
            int.from_bytes(part, "little"),
            (1 << len(part)) - 1,
            start + width_bytes >= len(payload),
        )


def simulate(payloads, config):
    """Send each payload to the echo; what came back, and the clocks that took."""
    wire = Wire(config)
    returned, clocks = [], 0

    async def send(ctx):
        for payload in payloads:
            for data, keep, last in beats_of(payload, config.width_bytes):
                ctx.set(wire.i_host.valid, 1)
                ctx.set(wire.i_host.p, {"data": data, "keep": keep, "last": last, "node": 2})
                await ctx.tick().until(wire.i_host.ready)
        ctx.set(wire.i_host.valid, 0)

    async def receive(ctx):
        nonlocal clocks
        ctx.set(wire.o_host.ready, 1)
        packet = b""
        async for _clk, reset, valid, beat in ctx.tick().sample(wire.o_host.valid, wire.o_host.p):
            clocks += 1
            if valid and not reset:
                packet += beat.data.to_bytes(config.width_bytes, "little")[: beat.keep.bit_count()]
                if beat.last:
                    assert beat.node == 2
                    returned.append(packet)
                    packet = b""
            if len(returned) == len(payloads) or clocks == 20_000:
                return

    simulator = Simulator(wire)
    simulator.add_clock(8e-9)
    simulator.add_testbench(send, background=True)
    simulator.add_testbench(receive)
    simulator.run()
    return returned, clocks


def main():
    parser = argparse.ArgumentParser(description="An echo server on the managed NIC.")
    parser.add_argument("-o", "--output", type=Path, help="write its Verilog instead")
    arguments = parser.parse_args()
    config = preset("tiny")
    if arguments.output is not None:
        write(arguments.output, emit_verilog(Echo(config), "ttp_echo"))
        print(arguments.output)
        return
    source = random.Random(1)
    payloads = [source.randbytes(size) for size in (1, 7, 8, 9, 64, 100, 1000, 1024)]
    returned, clocks = simulate(payloads, config)
    verdict = "PASSED" if returned == payloads else "FAILED"
    print(f"{verdict}: {len(returned)} of {len(payloads)} payloads came back in {clocks} clocks")


if __name__ == "__main__":
    main()
