"""What runs inside the simulator: cocotbext-eth's RGMII model on `RgmiiTop`."""

import cocotb
from cocotb.triggers import Edge, Timer
from cocotbext.eth import GmiiFrame, RgmiiPhy

from tests.mac.engine_side import EngineSide, gaps_of, random_frames
from tests.mac.gmii_cocotb import check_sent, drain
from ttpoe.mac.rgmii import Speed


async def delayed_clock(dut, picoseconds):
    """The PHY's delay of TXC, a quarter of its period at most."""
    edge = Edge(dut.rgmii_txc)
    while True:
        await edge
        value = int(dut.rgmii_txc.value)
        await Timer(picoseconds, "ps")
        dut.phy_txc.value = value


@cocotb.test(timeout_time=60, timeout_unit="ms")
@cocotb.parametrize(speed=[1000e6, 100e6, 10e6])
async def both_ways(dut, speed):
    bench, mii = EngineSide(dut), speed < 1e9
    clock_ps = 8000 if not mii else round(4e12 / speed)
    dut.phy_txc.value = dut.rgmii_rxd.value = dut.rgmii_rx_ctl.value = 0
    phy = RgmiiPhy(
        dut.rgmii_txd,
        dut.rgmii_tx_ctl,
        dut.phy_txc,
        dut.rgmii_rxd,
        dut.rgmii_rx_ctl,
        dut.rgmii_rxc,
        speed=speed,
    )
    bench.run(phy._clock_cr)
    bench.run(delayed_clock(dut, 2000))
    phy.rx.ifg = 24 if mii else 12  # of the model, in clocks
    await bench.start(8000 if speed > 1e7 else 200_000, clock_ps, mii=int(mii))
    frames = random_frames([1, 60, 61, 300] + [60] * (0 if mii else 40), 3)
    hurt = GmiiFrame.from_payload(frames[1])
    hurt.error = [int(n == 30) for n in range(72)]
    phy.rx.send_nowait(hurt)
    for frame in frames:
        phy.rx.send_nowait(GmiiFrame.from_payload(frame))
    await bench.send(frames)
    await phy.rx.wait()
    await Timer(400 * clock_ps, "ps")
    wire = drain(phy.tx)
    check_sent(wire, frames, clock_ps * (1 + mii))
    assert set(gaps_of(wire, clock_ps)) == {24 if mii else 12}
    assert [error for _frame, error in bench.received] == [1] + [0] * len(frames)
    assert bench.received[1:] == [(frame.ljust(60, b"\0"), 0) for frame in frames]
    assert bench.counts() == {"tx_sent": len(frames), "rx_good": len(frames), "rx_code_error": 1}
    bench.stop()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def status_of_the_phy(dut):
    """Between frames the PHY says link, speed and duplex; within one nothing is taken for it."""
    dut.rgmii_rx_ctl.value = 0
    for word in (0b1101, 0b1011, 0b0001, 0b0100, 0b1101):
        dut.rgmii_rxd.value = word
        for _ in range(5):
            for level in (1, 0):
                dut.rgmii_rxc.value = level
                await Timer(4, "ns")
        assert int(dut.o_link.value) == word & 1 and int(dut.o_full_duplex.value) == word >> 3
        assert int(dut.o_speed.value) == word >> 1 & 3
        assert int(dut.o_mii.value) == (word >> 1 & 3 != Speed.MBPS_1000.value)
    dut.rgmii_rx_ctl.value, dut.rgmii_rxd.value = 1, 0
    for _ in range(8):
        for level in (1, 0):
            dut.rgmii_rxc.value = level
            await Timer(4, "ns")
    assert int(dut.o_link.value) == 1 and int(dut.o_mii.value) == 0
