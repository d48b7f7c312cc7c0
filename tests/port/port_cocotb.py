"""What runs inside the simulator: traffic of two ports, and the account of every frame."""

from types import SimpleNamespace

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamFrame

from tests.port.port_bench import CONFIG, DOOR, LONG, MAC, PER_MS, Bench
from ttpoe.csr.mac import mac_pulses
from ttpoe.mac.kinds import KINDS
from ttpverif.module import Module, Options

KIND = KINDS[MAC]
BAD = "mac_rx_bad" if MAC == "cmac" else "mac_rx_bad_fcs"
PAYLOADS = 40 if LONG else 4
"""On each VC, each way."""
OFFSETS = {"100 ppm": dict(ppm=(100, -100, 100, -100))}
"""Of the engines a and b, of the wire from a and of that from b: half are fast, half slow."""
if LONG:
    OFFSETS["-100 ppm"] = dict(ppm=(-100, 100, -100, 100))
    OFFSETS["crosswise"] = dict(ppm=(100, -100, -100, 100))
    if MAC in ("rgmii", "gmii"):
        OFFSETS["engines apart"] = dict(sync_ps=(6000, 20_000))


async def exchange(bench, number):
    """`number` payloads of 1 to 1024 bytes on every VC, both ways at once: once and in order."""
    a, b = bench.sides
    sent = {}
    for sender, taker in ((a, b), (b, a)):
        for vc in range(3):
            lengths = [1, 1024, *(bench.rng.randint(1, 1024) for _ in range(number - 2))]
            sent[taker, vc] = [bench.rng.randbytes(length) for length in lengths]
            for payload in sent[taker, vc]:
                sender.give(vc, payload, taker)
    for (taker, vc), payloads in sent.items():
        for payload in payloads:
            assert await taker.take(vc, a if taker is b else b) == payload


async def check_accounts(bench, os_frames=0):
    """Each frame of each wire is in exactly one counter of the MAC, and of the NIC behind it."""
    await bench.quiet()
    a, b = bench.sides
    of_mac = [name[5:] for name in mac_pulses(MAC)]
    for sender, taker in ((a, b), (b, a)):
        there = await taker.counts([*of_mac, *DOOR, "os_rx_kept"])
        here = await sender.counts(name for name in of_mac if "mac_tx" in name)
        mac = {name: there[name] for name in of_mac if "mac_rx" in name}
        assert {name: count for name, count in mac.items() if count} == {
            name: count
            for name, count in {"mac_rx_good": sender.delivered, BAD: sender.bad}.items()
            if count
        }
        assert (
            here["mac_tx_sent"] == len(sender.sent) == sender.delivered + sender.bad + sender.lost
        )
        assert not here["mac_tx_underrun"] and not here.get("mac_tx_bad", 0)
        assert not sender.broken
        assert sum(there[name] for name in DOOR) == sender.delivered + sender.bad
        assert there["rx_bad_fcs"] == sender.bad
        assert there["rx_other_ethertype"] == there["os_rx_kept"] == os_frames


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def hello(dut):
    """One payload opens its link by itself; software sees it; no frame is lost or doubled."""
    bench = Bench(dut)
    await bench.start()
    a, b = bench.sides
    fields = await a.regs.DATAPATH.fields()
    assert fields["mac"] == KIND.number
    a.give(0, b"hello", b)
    assert await b.take(0, a) == b"hello"
    assert (await a.regs.INT_STATUS.fields())["link_up"]
    assert (await b.regs.NOTICE_HEAD.fields())["node"] == a.node
    await check_accounts(bench)
    assert min(map(len, a.sent)) >= 60 and not (a.lost or a.bad)
    bench.stop()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def stream(dut):
    """Packets on every VC, each way at once, over a good wire: nothing is sent twice."""
    bench = Bench(dut)
    await bench.start()
    a, b = bench.sides
    await exchange(bench, 2 * PAYLOADS)
    await check_accounts(bench)
    for side in bench.sides:
        counts = await side.counts(("payload_replayed", "rx_delivered"))
        assert counts == {"payload_replayed": 0, "rx_delivered": 6 * PAYLOADS}
    bench.stop()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def module(dut):
    """Tesla's module, by its model, at the end of the wire: packets both ways, and it closes."""
    peer = Module(0x11, Options(mutes_third_vc=False))
    bench = Bench(dut, module=peer)
    await bench.start()
    a, there = bench.a, SimpleNamespace(node=peer.node)
    await a.regs.ETHERTYPE.write(0x9AC6)
    await a.regs.TIMER_TICK.write(100 * PER_MS // CONFIG.links)
    bench.start_soon(bench.module_ticks())
    sent = [bench.rng.randbytes(size) for size in (1, 5, 64, 65, 500, 1008)]
    for payload in sent:
        a.give(0, payload, there)
    while len(peer.accepted) < len(sent):
        await bench.clocks(PER_MS)
    assert [data for *_link, data in peer.accepted] == sent
    for payload in sent:
        bench.from_module(peer.write(a.node, 0, payload, bench.now_ms()))
    for payload in sent:
        assert await a.take(0, there) == payload
    bench.from_module(peer.close(a.node, 0, bench.now_ms()))
    while (a.node, 0) in peer.tags:
        await bench.clocks(PER_MS)
    assert (await a.counts([BAD])) == {BAD: 0} and not a.broken
    bench.stop()


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(offset=list(OFFSETS))
async def loss_both_ways(dut, offset):
    """A wire that loses one frame of ten and spoils another, clocks apart."""
    bench = Bench(dut, loss=0.1, spoil=0.1)
    await bench.start(**OFFSETS[offset])
    await exchange(bench, PAYLOADS)
    await check_accounts(bench)
    assert sum(side.lost for side in bench.sides) and sum(side.bad for side in bench.sides)
    bench.stop()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def frames_of_the_os(dut):
    """Beside TTP, both ways, of every kind of length; unchanged but for the padding."""
    bench = Bench(dut)
    await bench.start()
    a, b = bench.sides
    lengths = [14, 59, 60, 61, 64, 65, 127, 128, 513, 1514, *([3000, 4000] if LONG else [])]
    sent = {}
    for sender, taker in ((a, b), (b, a)):
        head = bytes(taker.node.to_bytes(6, "big") + sender.node.to_bytes(6, "big")) + b"\x08\0"
        sent[taker] = [head + bench.rng.randbytes(length - 14) for length in lengths]
        for frame in sent[taker]:
            sender.os_tx.send_nowait(AxiStreamFrame(frame, tuser=0))
    await exchange(bench, 3)
    for taker, frames in sent.items():
        for frame in frames:
            assert bytes((await taker.os_rx.recv()).tdata) == frame.ljust(60, b"\0")
    await check_accounts(bench, len(lengths))
    bench.stop()


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def what_the_mac_drops(dut):
    """Nothing of it gets through, each is counted, software is told, and the next frame passes."""
    bench = Bench(dut)
    await bench.start()
    a, b = bench.sides
    good = bytes(range(12)) + b"\x08\0" + bytes(50)
    control = b"\x01\x80\xc2\0\0\x01" + bytes(6) + b"\x88\x08"
    await b.regs.INT_MASK.write(frame_dropped=1)
    put = {}
    if MAC != "cmac":  # there the hard MAC does it
        b.end.put(control + b"\0\x01\xff\xff")
        b.end.put(control + b"\x01\x01\0\xff")
        put = {"mac_rx_pause": 1, "mac_rx_pfc": 1}
        await bench.clocks(250)
        # GMII hands the beginning over before the EtherType is there: a bad frame for the NIC.
        assert int(dut.b_irq.value) == (MAC != "xgmii")
        await b.regs.INT_STATUS.write(0xFFFFFFFF)
        b.end.put(good[:20], min_len=0)
        b.end.put(good, "error")
        put |= {"mac_rx_runt": 1, "mac_rx_code_error": 1}
    b.end.put(good, "fcs")
    b.end.put(good)
    put |= {BAD: 1, "mac_rx_good": 1}
    assert bytes((await b.os_rx.recv()).tdata) == good
    assert int(dut.b_irq.value) and (await b.regs.INT_STATUS.fields())["frame_dropped"]
    counts = await b.counts()
    assert {n: c for n, c in counts.items() if c and n.startswith("mac_")} == put
    assert counts["os_rx_kept"] == 1 and not a.sent and not b.sent
    bench.stop()


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def reset_of_one_port(dut):
    """In the middle of traffic; the other one sees a peer that restarted, and its MAC no fault of
    its own: at most the one frame that was cut off."""
    bench = Bench(dut)
    await bench.start()
    a, b = bench.sides
    await exchange(bench, 2)
    faults = [n[5:] for n in mac_pulses(MAC) if "mac_rx" in n and "good" not in n]
    before = await b.counts(faults)
    b.give(2, b"before", a)
    assert await a.take(2, b) == b"before"
    await ClockCycles(dut.a_clk, 400)
    dut.a_rst.value = 1
    dut.a_open_id_seed.value = a.seed + (1 << 20)  # a later epoch: the upper half
    await ClockCycles(dut.a_clk, 20)
    dut.a_rst.value = 0
    await bench.clocks(250)
    a.give(0, b"again", b)
    assert await b.take(0, a) == b"again"
    assert sum((await b.counts(faults)).values()) - sum(before.values()) <= 1
    assert a.broken <= 1 and not b.broken
    bench.stop()


@cocotb.test(timeout_time=50, timeout_unit="ms", skip=MAC != "rgmii")
async def speed_of_rgmii(dut):
    """What the PHY says between frames counts, if it says that there is a link; else the register."""
    bench = Bench(dut)
    await bench.start()
    regs = bench.a.regs

    async def slow(word):
        dut.a_rgmii_rxd.value = word
        await bench.clocks(20)
        status = await regs.PHY_STATUS.fields()
        said = {"link": word & 1, "speed": word >> 1 & 3, "full_duplex": word >> 3}
        assert status == said | {"mii": int(dut.a_mii_select.value)}
        return status["mii"]

    link_100, no_link, link_1000 = 0b1011, 0b1010, 0b1101
    assert not await slow(0) and await slow(link_100)
    assert not await slow(no_link) and not await slow(link_1000)
    await regs.PHY_CONTROL.write(mii=1, follow=1)
    assert await slow(no_link) and not await slow(link_1000)
    await regs.PHY_CONTROL.write(mii=1, follow=0)
    assert await slow(link_1000)
    await regs.PHY_CONTROL.write(mii=0, follow=0)
    assert not await slow(link_100)
    bench.stop()


@cocotb.test(timeout_time=50, timeout_unit="ms", skip=MAC == "rgmii")
async def levels_of_the_phy(dut):
    """Each reaches its register; the speed of GMII comes from one."""
    bench = Bench(dut)
    await bench.start()
    regs, pin = bench.a.regs, bench.a.pin
    if MAC == "gmii":
        assert not int(dut.a_mii_select.value)
        await regs.PHY_CONTROL.write(mii=1)
        assert int(dut.a_mii_select.value)
    elif MAC == "cmac":
        for level in (1, 0):
            pin("cmac_rx_aligned").value = level
            await bench.clocks(10)
            assert await regs.PHY_STATUS.fields() == {"link": level}
    else:
        for kind, name in ((1, "local_fault"), (2, "remote_fault")):
            pin("xgmii_rxd").value, pin("xgmii_rxc").value = (
                0x9C0000009C | kind << 24 | kind << 56,
                0x11,
            )
            await bench.clocks(20)
            names = ("local_fault", "remote_fault")
            assert await regs.PHY_STATUS.fields() == {n: int(n == name) for n in names}
            assert await bench.a.counts([f"mac_rx_{name}"]) == {f"mac_rx_{name}": 1}
        pin("xgmii_rxd").value, pin("xgmii_rxc").value = 0x0707070707070707, 0xFF
        await bench.clocks(100)
        assert not await regs.PHY_STATUS.read()
    bench.stop()


@cocotb.test(timeout_time=50, timeout_unit="ms", skip=not KIND.mdio)
async def mdio(dut):
    """A write as the PHY sees it, and a read that nobody answers, and one that is answered."""
    bench = Bench(dut)
    dut.a_mdio_i.value = 1
    await bench.start()
    regs, bits = bench.a.regs, []

    async def watch():
        while True:
            await RisingEdge(dut.a_mdc)
            bits.append(int(dut.a_mdio_o.value) if int(dut.a_mdio_oe.value) else None)
            if answers:  # the PHY drives from the turnaround on
                await ClockCycles(dut.a_clk, 1)
                place = len(bits) - 47
                dut.a_mdio_i.value = (0xBEEF >> (16 - place)) & 1 if 0 <= place < 17 else 1

    async def command(write):
        bits.clear()
        await regs.MDIO_COMMAND.write(write=write)
        while (await regs.MDIO_RESULT.fields())["busy"]:
            await ClockCycles(dut.a_clk, 100)
        return await regs.MDIO_RESULT.fields()

    answers = False
    bench.start_soon(watch())
    await regs.MDIO_ADDRESS.write(phy=5, register=17)
    await regs.MDIO_DATA.write(data=0xC35A)
    await command(1)
    head = [1] * 32 + [0, 1]
    address = [int(bit) for bit in "0010110001"]
    data = [int(bit) for bit in f"{0xC35A:016b}"]
    assert bits == [*head, 0, 1, *address, 1, 0, *data]
    assert (await command(0))["answered"] == 0
    assert bits == [*head, 1, 0, *address, *[None] * 18]
    answers = True
    assert await command(0) == {"data": 0xBEEF, "answered": 1, "busy": 0}
    bench.stop()
