"""Every register, bit by bit, in the whole NIC: its reset value, what can be written, what cannot;
a read-out of links against the model; the queue of notices and every cause of the interrupt.

`registers` shows what the registers are for; this shows that none of their bits is another one.
"""

from ttpoe.config import Config
from ttpoe.csr.registers import COUNTERS, INTERRUPTS, LINK_FLAGS, NOTICE_DEPTH
from ttpoe.csr.shapes import Access
from ttpsim.scenarios.registers import RESET_VALUES, refused, registers_of
from ttpverif.bench.bench import scenario
from ttpverif.bench.follow import follow_lockstep
from ttpverif.frames.fields import dst_of, opcode_of
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.states import State

RUNS = [{"sim": "verilator", "preset": "tiny", "top": "managed_nic"}]

DATA = 2


async def walk_addresses(bench, regs, read):
    """Reset values; SLVERR everywhere else, also for each bit of the address too many."""
    known = {register.address: register for register in regs.map.registers}
    last = max(known)
    for address in range(0, last + 0x40, 4):
        register = known.get(address)
        if register is None:
            assert await refused(read(address)), f"an answer from {address:#x}"
            continue
        value = await read(address)
        fields = sum(field.mask for field in register.fields)
        assert not value & ~fields, f"{register.name}: {value:#x} outside its fields"
        for field in register.fields:
            if field.reset is not None:
                assert (value & field.mask) >> field.lsb == field.reset, (
                    f"{register.name}.{field.name} is not {field.reset:#x} after reset"
                )
    for register in (regs.map["NODE"], regs.map["MAGIC"], regs.map.counters[0]):
        for bit in range(16):
            wrong = register.address ^ 1 << bit
            if wrong not in known:
                assert await refused(read(wrong)), f"an answer from {wrong:#x}"


async def walk_storage(bench, regs):
    """Each bit that can be written, both ways, alone; the others stay."""
    rng = bench.rng("storage")
    for register in regs.map.registers:
        if register.name in ("ETHERTYPE", "LINK_INDEX"):
            continue
        mask = sum(field.mask for field in register.fields if field.access is Access.RW)
        access = getattr(regs, register.name)
        if not mask:
            continue
        before = await access.read()
        bits = [1 << bit for bit in range(32) if mask >> bit & 1]
        for value in [mask, 0, *bits, *(mask & ~bit for bit in bits), rng.getrandbits(32) & mask]:
            await access.write(value)
            assert await access.read() & mask == value, f"{register.name}: wrote {value:#x}"
        await access.write(before)
    for value in (0x9AC6, 0x0AC6):
        await regs.ETHERTYPE.write(value)
        assert await regs.ETHERTYPE.read() == value
    for bit in range(16):
        assert await refused(regs.ETHERTYPE.write(0x0AC6 ^ 1 << bit)) or bit in (12, 15), bit
    for register in regs.map.registers:
        if not register.writable:
            before = await getattr(regs, register.name).read()
            assert await refused(getattr(regs, register.name).write(0xFFFFFFFF)), register.name
            assert await getattr(regs, register.name).read() == before, register.name


async def read_out(bench, node, regs, endpoint):
    """The tags of all links, as software sees them, against the model's."""
    seen = {}
    for link in range(bench.config["links"]):
        await regs.LINK_INDEX.write(link)
        assert await regs.LINK_INDEX.read() == link
        for _ in range(40):
            status = await regs.LINK_STATUS.fields()
            if status["valid"]:
                break
        assert status == {"busy": 0, "valid": 1}, status
        state = await regs.LINK_STATE.fields()
        if state["state"]:
            epochs = await regs.LINK_EPOCHS.fields()
            seen[await regs.LINK_NODE.read(), state["vc"]] = {
                **state,
                "una": await regs.LINK_UNA.read(),
                "alloc": await regs.LINK_ALLOC.read(),
                "received": await regs.LINK_RECEIVED.read(),
                **epochs,
                "sent": await regs.LINK_SENT.read(),
                "chain": await regs.LINK_CHAIN.read(),
                "retries": await regs.LINK_RETRIES.read(),
            }
    links = {(link.node, link.vc): link for link in endpoint.links}
    assert set(seen) == set(links), (sorted(seen), sorted(links))
    for key, link in links.items():
        tag = seen[key]
        expected = {
            "state": link.state,
            "vc": link.vc,
            "una": link.oldest,
            "alloc": link.stored,
            "sent": link.in_flight,
            "own": link.epoch,
            "peer": link.peer_epoch or 0,
            "ieee": link.ethertype == 0x9AC6,
            "held": link.held,
            "gap": link.gap,
            "close_due": link.close_due,
            "close_nacked": link.nack_heard,
            "chain": link.stored,
            "retries": link.count,
            "timer": link.timer_bit,
        }
        if link.state != State.OPEN_SENT:
            expected |= {"received": link.received, "selective": link.selective}
        wrong = {name: (tag[name], value) for name, value in expected.items() if tag[name] != value}
        assert not wrong, f"read-out of {key}: (shown, model) {wrong}"
    assert set(LINK_FLAGS) <= set(state)
    return seen


@scenario
async def register_walk(bench):
    a, b = bench.a, bench.b
    config = Config(**{name: value for name, value in bench.config.items() if name != "links"})
    (regs_a, read_a), (regs_b, _read_b) = (registers_of(bench, node, config) for node in (a, b))
    await walk_addresses(bench, regs_a, read_a)
    await regs_a.CONTROL.write(0)
    await walk_storage(bench, regs_a)
    await regs_a.CONTROL.write(regs_a.map["CONTROL"].reset)
    assert await regs_a.NODE.read() == a.address

    # Links in several states: b answers, two peers that are not there never do.
    for node in bench.nodes:
        node.configuration.update(RESET_VALUES, link_slots=await regs_a.LINK_SLOTS.read())
    followed = follow_lockstep(bench)
    bench.connect()
    absent = [(0xABCDEF, 0), (0x543210, 1)]
    for number in range(20):
        a.send(b.address, DATA, bytes([number]) * 30)
    for node, vc in absent:
        a.send(node, vc, b"to nobody")
    await bench.until(lambda: len(b.received) == 20, 8_000, "20 payloads")
    await bench.cycles(300)
    await regs_a.CONTROL.set(enable=0)  # the tags stand still
    await bench.cycles(60)
    seen = await read_out(bench, a, regs_a, followed[0].lockstep.endpoint)
    assert set(seen) == {(b.address, DATA), *absent}
    await regs_a.CONTROL.set(enable=1)

    # The peers answer at last: with high IDs and epochs, in the other EtherType, and one with data
    # for which b's reader has no slot.
    for node, vc in absent:
        opening = next(
            Frame.unpack(f.data) for f in a.frames_out if f.data[3:6] == node.to_bytes(3, "big")
        )
        a.play(
            Frame(
                node,
                a.address,
                Opcode.OPEN_ACK,
                vc,
                tx_id=0xFEDCBA98 - vc,
                rx_id=opening.tx_id,
                epoch=0xF00F + vc,
            ).pack()
        )
    await bench.until(
        lambda: (
            sum(
                opcode_of(f.data) == Opcode.PAYLOAD and dst_of(f.data) != b.address
                for f in a.frames_out
            )
            >= 2
        ),
        4_000,
        "their payloads",
    )
    await bench.cycles(200)
    await regs_a.CONTROL.set(enable=0)
    await bench.cycles(60)
    seen = await read_out(bench, a, regs_a, followed[0].lockstep.endpoint)
    assert all(seen[key]["state"] == State.OPEN and seen[key]["alloc"] == 1 for key in absent)
    await regs_a.CONTROL.set(enable=1)

    await notices(bench, regs_b)
    for node, regs in ((a, regs_a), (b, regs_b)):
        counts = node.counts()
        for name in COUNTERS:
            short = name.removeprefix("stat_")
            if short in counts:
                assert await regs.counter(name).read() == counts[short], name
    bench.report(f"{len(regs_a.map.registers)} registers")


async def notices(bench, regs):
    """More notices than the queue holds, then each in order; each cause by itself."""
    b = bench.b
    for name in INTERRUPTS:
        await regs.INT_STATUS.write(**{name: 1})
    while (await regs.NOTICE_HEAD.fields())["valid"]:
        await regs.NOTICE_POP.write()
    assert await regs.NOTICE_HEAD.read() == 0
    # A peer that opens and closes: an up and a down each time.
    peers = [(0x800000 >> number) | number for number in range(NOTICE_DEPTH // 2 + 2)]
    for number, peer in enumerate(peers):
        up = len([f for f in b.frames_out if opcode_of(f.data) == Opcode.OPEN_ACK])
        b.play(Frame(peer, b.address, Opcode.OPEN, number % 3, tx_id=100 * number, epoch=1).pack())
        await bench.until(
            lambda: len([f for f in b.frames_out if opcode_of(f.data) == Opcode.OPEN_ACK]) > up,
            2_000,
            "an OPEN_ACK",
        )
        await bench.cycles(20)
        b.play(
            Frame(peer, b.address, Opcode.CLOSE, number % 3, tx_id=100 * number + 1, epoch=1).pack()
        )
        await bench.cycles(120)
    for number in range(NOTICE_DEPTH):
        head = await regs.NOTICE_HEAD.fields()
        assert head == {
            "node": peers[number // 2],
            "vc": number // 2 % 3,
            "notice": number % 2,
            "valid": 1,
        }, (number, head)
        await regs.NOTICE_POP.write()
    assert await regs.NOTICE_HEAD.read() == 0
    assert await regs.counter("stat_notice_lost").read() == 2 * len(peers) - NOTICE_DEPTH
    b.play(Frame(1, b.address, Opcode.OPEN).pack(), bad=True)  # dropped at the door
    await bench.cycles(20)
    expected = {"link_up": 1, "link_down": 1, "frame_dropped": 1, "notice_lost": 1}
    causes = await regs.INT_STATUS.fields()
    assert causes == {name: expected.get(name, 0) for name in INTERRUPTS}, causes
    for name in INTERRUPTS:
        await regs.INT_MASK.write(**{name: 1})
        await bench.cycles(3)
        assert b.level("irq") == expected.get(name, 0), name
    await regs.INT_MASK.write((1 << len(INTERRUPTS)) - 1)
    for name in expected:
        await bench.cycles(3)
        assert b.level("irq")
        await regs.INT_STATUS.write(**{name: 1})
    await bench.cycles(3)
    assert not b.level("irq") and await regs.INT_STATUS.read() == 0
    await regs.INT_MASK.write(0)
