"""Drives an AXI4-Lite slave in Amaranth's simulator, and checks what the protocol asks of it."""

from amaranth.sim import Simulator

OKAY, SLVERR = 0, 2
LIMIT_CLOCKS = 400


class Refused(Exception):
    """The answer was SLVERR."""


class Axil:
    """A master: one transaction at a time, with chosen gaps."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut
        self.clock = 0

    def _port(self, name):
        """A wire of the bus by the name that it has in the standard: `awaddr`, `bready`."""
        channel = name[:2] if name.startswith(("aw", "ar")) else name[0]
        part, port = name.removeprefix(channel), getattr(self.dut.s_axil, channel)
        return getattr(port if part in ("valid", "ready") else port.p, part)

    def set(self, **values):
        for name, value in values.items():
            self.ctx.set(self._port(name), value)

    def get(self, name):
        value = self.ctx.get(self._port(name))
        return getattr(value, "value", value)

    async def tick(self, clocks=1):
        for _ in range(clocks):
            await self.ctx.tick()
            self.clock += 1

    async def write_raw(
        self, address, value, strobe=0xF, *, address_late=0, data_late=0, ready_late=0
    ):
        """A write; returns (answer, clocks from the first valid to the answer)."""
        self.set(awaddr=address, wdata=value, wstrb=strobe, bready=0)
        sent = {"aw": False, "w": False}
        late = {"aw": address_late, "w": data_late}
        for clocks in range(LIMIT_CLOCKS):
            for channel in sent:
                self.set(**{f"{channel}valid": not sent[channel] and clocks >= late[channel]})
            taken = {
                channel: self.get(f"{channel}valid") and self.get(f"{channel}ready")
                for channel in sent
            }
            if self.get("bvalid"):
                assert all(sent.values()), "answered before it was asked"
                return await self._answer("b", ready_late), clocks
            await self.tick()
            sent = {channel: sent[channel] or taken[channel] for channel in sent}
        raise AssertionError("no answer to a write")

    async def read_raw(self, address, *, ready_late=0):
        """A read; returns ((answer, data), clocks from valid to the answer)."""
        self.set(araddr=address, rready=0)
        sent = False
        for clocks in range(LIMIT_CLOCKS):
            self.set(arvalid=not sent)
            taken = self.get("arvalid") and self.get("arready")
            if self.get("rvalid"):
                assert sent, "answered before it was asked"
                data = self.get("rdata")
                return (await self._answer("r", ready_late), data), clocks
            await self.tick()
            sent = sent or taken
        raise AssertionError("no answer to a read")

    async def _answer(self, channel, late):
        held = [self.get(f"{channel}resp")] + ([self.get("rdata")] if channel == "r" else [])
        for _ in range(late):
            await self.tick()
            now = [self.get(f"{channel}resp")] + ([self.get("rdata")] if channel == "r" else [])
            assert self.get(f"{channel}valid") and now == held, "the answer did not hold"
            assert not (self.get("awready") | self.get("wready") | self.get("arready"))
        self.set(**{f"{channel}ready": 1})
        await self.tick()
        self.set(**{f"{channel}ready": 0})
        assert not self.get(f"{channel}valid"), "answered twice"
        return held[0]

    async def read(self, address):
        (answer, data), _clocks = await self.read_raw(address)
        if answer != OKAY:
            assert answer == SLVERR and data == 0
            raise Refused(hex(address))
        return data

    async def write(self, address, value, strobe=0xF):
        answer, _clocks = await self.write_raw(address, value, strobe)
        if answer != OKAY:
            assert answer == SLVERR
            raise Refused(hex(address))


def simulate(dut, testbench, *processes):
    """Run an async testbench(ctx) to its end; returns the simulator."""
    simulator = Simulator(dut)
    simulator.add_clock(8e-9)
    simulator.add_testbench(testbench)
    for process in processes:
        simulator.add_testbench(process, background=True)
    simulator.run()
    return simulator
